"""State machines and schedules, generated from the catalogue, and what starts them."""
