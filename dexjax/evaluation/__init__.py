"""What a policy does: episodes, intervals, contacts, by object."""
