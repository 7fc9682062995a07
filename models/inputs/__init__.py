"""What an encoder reads of an event: embeddings, numbers, summaries, the graph of actions."""
