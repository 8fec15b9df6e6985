"""What a library holds, read for people: names, figures, lineage, notes, damage."""
