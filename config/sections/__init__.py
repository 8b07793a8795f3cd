"""The sections of the configuration, one file each: plain declarations, and nothing that reads or checks them."""
