"""A seeded contact centre that speaks Amazon Connect's formats and knows the right answers."""
