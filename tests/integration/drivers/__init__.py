"""Programs on drivers of other languages, one folder a language, and what they see direct and through the proxy."""
