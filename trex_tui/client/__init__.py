"""Where records come from: a socket, or a journal that is played back."""
