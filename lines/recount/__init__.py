"""The second set of books: what each line owes, once more, from what carriers reported and from dated plans and prices.

It shares no function and no SQL with what charges: import-linter forbids it. `rules` is the whole of it, one line at a
time and in plain Python; `bulk` does the ordinary lines of a large fleet at once; `source` reads what is kept;
`compare` holds the two books side by side.
"""
