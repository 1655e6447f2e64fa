"""Proof that a record is whole: anchors of the journals, bundles for a court, and the verifier."""
