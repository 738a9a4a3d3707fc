"""Certification is itself put to the proof: sound adapters pass it, and of broken ones each fails where it is broken."""
