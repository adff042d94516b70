import pytest

pytest.register_assert_rewrite("source_cases")
