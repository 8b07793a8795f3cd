"""What an operator may say: the file's sections, how it is read and checked, and the Snapshot a proxy runs on."""
