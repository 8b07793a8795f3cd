"""What makes a configuration wrong as a whole: one file a subject; `config.check` has the list of all rules."""
