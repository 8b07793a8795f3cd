"""Starting, watching, replacing and stopping the process, as an operator and the system do it."""
