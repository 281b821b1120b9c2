"""White labels: in whose name, colours and at whose address people meet us."""
