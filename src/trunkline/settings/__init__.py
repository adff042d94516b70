"""Every setting and every environment variable that Trunkline reads, each with its help, and one way to read them.

`Settings` come from `trunkline.toml` in the home and from `TRUNKLINE_*` variables, which win. `ReleaseSettings` come
from variables alone.
"""
