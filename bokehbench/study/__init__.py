"""User studies: a blind page for people without a network, and what their answers say."""
