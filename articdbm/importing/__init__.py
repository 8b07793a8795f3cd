"""Other poolers' configurations, told as ours: one file a pooler, and what they have in common."""
