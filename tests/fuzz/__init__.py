"""Whole sessions at random, played to the server itself and through the proxy: nobody can tell the two apart."""
