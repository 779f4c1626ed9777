"""A simulator of the providers: real shapes and real faults, by the model's name."""
