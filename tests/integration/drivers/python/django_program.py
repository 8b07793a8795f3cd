"""A Django application that prints what it sees. Where to connect is in PGHOST and its like.

Nothing is set for the sake of a pooler: cursors on the server's side are on, as they are by default.
"""

import datetime as dt
import hashlib
import os
import uuid
from decimal import Decimal

import django  # type: ignore[import-untyped]
from django.conf import settings  # type: ignore[import-untyped]

ENGINE = {
    "ENGINE": "django.db.backends.postgresql",
    "NAME": os.environ["PGDATABASE"],
    "USER": os.environ["PGUSER"],
    "PASSWORD": os.environ["PGPASSWORD"],
    "HOST": os.environ["PGHOST"],
    "PORT": os.environ["PGPORT"],
}
settings.configure(
    DATABASES={
        # psycopg 3, as it is told to bind: in the client, or in the server.
        "default": ENGINE,
        "server_side": {**ENGINE, "OPTIONS": {"server_side_binding": True}},
    },
    USE_TZ=True,
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
)
django.setup()

from django.contrib.postgres.fields import ArrayField  # type: ignore[import-untyped] # noqa: E402
from django.db import DatabaseError, connections, models, transaction  # type: ignore[import-untyped] # noqa: E402


class Author(models.Model):  # type: ignore[misc]
    """Who wrote something."""

    name = models.CharField(max_length=50, unique=True)

    class Meta:
        """It has no application around it."""

        app_label = "drivers"
        db_table = "django_author"


class Book(models.Model):  # type: ignore[misc]
    """One of each kind of field."""

    author = models.ForeignKey(Author, on_delete=models.CASCADE, related_name="books")
    title = models.TextField()
    price = models.DecimalField(max_digits=10, decimal_places=4, null=True)
    printed = models.DateField(default=dt.date(2024, 2, 29))
    sold = models.DateTimeField(default=dt.datetime(2024, 6, 1, 12, tzinfo=dt.UTC))
    lent = models.DurationField(default=dt.timedelta(days=1, seconds=2))
    about = models.JSONField(default=dict)
    pages = ArrayField(models.IntegerField(), default=list)
    number = models.UUIDField(default=uuid.UUID(int=7))
    cover = models.BinaryField(default=b"\0\xff")

    class Meta:
        """It has no application around it."""

        app_label = "drivers"
        db_table = "django_book"
        constraints = (models.CheckConstraint(condition=models.Q(price__gte=0), name="django_price"),)


def section(name: str) -> None:
    print(f"== {name}")


def refused(error: DatabaseError) -> None:
    print("refused", type(error).__name__, *str(error).splitlines())


def application(alias: str) -> None:
    authors, books = Author.objects.using(alias), Book.objects.using(alias)
    section("types")
    ada = authors.create(name="Ada")
    book = books.create(
        author=ada, title="ünï\n'", price=Decimal("12.3400"), about={"a": [1, None]}, pages=[1, 2]
    )
    again = books.get(pk=book.pk)
    print([bytes(value) if isinstance(value, memoryview) else value for value in again.__dict__.values()][1:])
    print(books.filter(about__a__0=1, pages__contains=[2], title__iregex="^Ü").count())
    print(books.values_list("author__name", "price").annotate(count=models.Count("id")).get())
    print(sorted(connections[alias].introspection.table_names()))

    section("batches")
    made = authors.bulk_create([Author(name=f"author {number}") for number in range(500)], batch_size=70)
    books.bulk_create(
        [Book(author=author, title=author.name, price=index) for index, author in enumerate(made)]
    )
    few = list(books.order_by("id")[1:50])
    for each in few:
        each.title = each.title.upper()
    print(books.bulk_update(few, ["title"], batch_size=20))
    print(books.aggregate(models.Sum("price"), models.Max("title"), models.Count("author", distinct=True)))
    print(
        authors.get_or_create(name="Ada")[1],
        authors.update_or_create(name="Ada", defaults={"name": "Lovelace"})[1],
    )
    print([author.books.count() for author in authors.prefetch_related("books").order_by("id")[:3]])

    section("prepared")
    for number in range(20):
        print(books.filter(price__gt=number * 20).only("id").count())

    section("cursors")
    # Each is a cursor of the server: held over, for there is no transaction.
    print(sum(1 for _ in authors.order_by("id").iterator(chunk_size=100)))
    two = authors.order_by("id").iterator(chunk_size=50), books.order_by("id").iterator(chunk_size=50)
    print(all(author.pk == book.author_id for author, book in zip(*two, strict=True)))
    with transaction.atomic(using=alias):
        print([author.name for author in authors.order_by("id").iterator(chunk_size=3)][:7])

    section("transactions")
    with transaction.atomic(using=alias):
        authors.create(name="kept")
        try:
            with transaction.atomic(using=alias):
                authors.create(name="kept")
        except DatabaseError as error:
            refused(error)
        print(authors.select_for_update().get(name="kept").name)
    try:
        with transaction.atomic(using=alias):
            authors.create(name="not kept")
            books.update(price=-1)
    except DatabaseError as error:
        refused(error)
    print(authors.filter(name__contains="kept").count())
    said: list[str] = []
    with transaction.atomic(using=alias):
        transaction.on_commit(lambda: said.append("committed"), using=alias)
    print(said)

    section("errors")
    with connections[alias].cursor() as cursor:
        for text, values in (
            ("SELECT no_such", None),
            ("SELECT 1 / %s::int", [0]),
            ("SELEC 1", None),
            ("SELECT %s::int", [1]),
        ):
            try:
                cursor.execute(text, values)
                print(cursor.fetchall())
            except DatabaseError as error:
                refused(error)

    section("big_rows")
    book.title = "ü" * 1_500_000
    book.save(update_fields=["title"])
    print(hashlib.sha256(books.get(pk=book.pk).title.encode()).hexdigest())
    print(books.exclude(pk=book.pk).delete())


def main() -> None:
    for alias in ("default", "server_side"):
        with connections[alias].schema_editor() as editor:
            editor.create_model(Author)
            editor.create_model(Book)
        try:
            application(alias)
        finally:
            connections[alias].close()
            with connections[alias].schema_editor() as editor:
                editor.delete_model(Book)
                editor.delete_model(Author)
            connections[alias].close()


main()
