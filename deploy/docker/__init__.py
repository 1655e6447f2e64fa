"""What only containers need: secrets for each, the replica set, and the health of a service."""
