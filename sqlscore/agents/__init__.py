"""A server of the Model Context Protocol: a language model's agent asks a file through narrow, typed tools."""
