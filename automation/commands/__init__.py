"""What can happen to rules and what rules do."""
