"""Mails to people: what they say of whom they are from, and how they leave."""
