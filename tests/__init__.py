"""Everything that proves the house: mirrors the packages, and `integration/` on real servers."""
