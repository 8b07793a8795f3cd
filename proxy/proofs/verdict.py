"""What those who judge passwords say when they cannot."""


class NoVerdict(Exception):
    """Nobody could say whether the password is right. The text says why, for the log; it holds no secret."""
