"""The data plane process: the brain in Python, the native core it drives, and what joins the two."""
