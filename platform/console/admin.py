"""The back office's pages that are no list of a table."""

from django.contrib import admin
from kit.backoffice import BackOffice

from console import desks

site = admin.site
if not isinstance(site, BackOffice):
    raise TypeError("the default admin site is the back office")
site.page("margins/", "margins")(desks.margins)
site.page("books/", "books")(desks.books_page)
