"""How moments are written where nobody says otherwise: by 24 hours."""
