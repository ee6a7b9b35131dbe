"""Exports of twenty made-up shops, each as its software writes them, and what must be made of each.

In: nothing; the lines are drawn with a fixed seed. Out: `SHOPS`. What is expected was written down from the columns'
meaning, before any guess: roles, settings of the section, settings of ``[data]``, and words of a needed warning.
"""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

_FIRST = datetime(2024, 1, 3, 9, 0)


@dataclass(frozen=True)
class Line:
    """One line of an order; money in cents."""

    n: int
    order: int
    of_order: int
    customer: int
    when: datetime
    sku: int
    quantity: int
    price: int
    discount: int
    order_total: int
    status: str

    @property
    def gross(self) -> int:
        return self.quantity * self.price

    @property
    def net(self) -> int:
        return self.gross - self.discount


def _lines(orders: int = 260, customers: int = 60) -> list[Line]:
    """Orders of one to four lines in order of time, some 40 % of the lines with several pieces."""
    draw, lines, when = random.Random(4), list[Line](), _FIRST
    prices = [draw.randrange(150, 9_900) for _ in range(40)]
    for order in range(orders):
        when += timedelta(minutes=draw.randrange(200, 3_000))
        customer, status = draw.randrange(customers), "cancelled" if draw.random() < 0.05 else "completed"
        skus = draw.sample(range(40), draw.choice([1, 1, 2, 3, 4]))
        pieces = [(sku, draw.choice([1, 1, 1, 2, 3, 6]), draw.random() < 0.2) for sku in skus]
        off = [prices[sku] * n // 10 if cut else 0 for sku, n, cut in pieces]
        total = sum(prices[sku] * n - d for (sku, n, _), d in zip(pieces, off, strict=True))
        for i, ((sku, n, _), discount) in enumerate(zip(pieces, off, strict=True)):
            lines.append(Line(len(lines), order, i, customer, when, sku, n, prices[sku], discount, total, status))
    return lines


LINES = _lines()
ORDERS = [line for line in LINES if line.of_order == 0]


def money(cents: int, sign: str = ".") -> str:
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}{sign}{abs(cents) % 100:02d}"


def grouped(cents: int) -> str:
    """German: 1.234,50."""
    whole = f"{cents // 100:,}".replace(",", ".")
    return f"{whole},{cents % 100:02d}"


@dataclass(frozen=True)
class Shop:
    """An export and what must be made of it."""

    name: str
    columns: Mapping[str, Callable[[Line], str]]
    roles: Mapping[str, str]
    settings: Mapping[str, object] = field(default_factory=dict)
    data: Mapping[str, object] = field(default_factory=dict)
    warned: tuple[str, ...] = ()
    delimiter: str = ","
    encoding: str = "utf-8"
    orders_only: bool = False
    readable: bool = True

    def bytes(self) -> bytes:
        out = io.StringIO()
        writer = csv.writer(out, delimiter=self.delimiter, lineterminator="\n")
        writer.writerow(self.columns)
        for line in ORDERS if self.orders_only else LINES:
            writer.writerow([value(line) for value in self.columns.values()])
        return out.getvalue().encode(self.encoding)


def first(value: Callable[[Line], str]) -> Callable[[Line], str]:
    """Only on the first line of an order, as Shopify does."""
    return lambda line: value(line) if line.of_order == 0 else ""


def email(line: Line) -> str:
    return f"buyer{line.customer}@example.org"


def iso(line: Line) -> str:
    return line.when.strftime("%Y-%m-%d %H:%M:%S")


_PERSIAN = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")

SHOPS = (
    Shop(
        "shopify orders",
        {
            "Name": lambda s: f"#{1001 + s.order}",
            "Email": email,
            "Financial Status": first(lambda s: "refunded" if s.status == "cancelled" else "paid"),
            "Paid at": first(lambda s: iso(s) + " +0100"),
            "Fulfillment Status": first(lambda s: "fulfilled"),
            "Currency": first(lambda s: "EUR"),
            "Subtotal": first(lambda s: money(s.order_total)),
            "Shipping": first(lambda s: "4.90"),
            "Taxes": first(lambda s: money(s.order_total // 6)),
            "Total": first(lambda s: money(s.order_total + 490)),
            "Discount Amount": first(lambda s: "0.00"),
            "Created at": lambda s: iso(s) + " +0100",
            "Lineitem quantity": lambda s: str(s.quantity),
            "Lineitem name": lambda s: f"Mug no. {s.sku}",
            "Lineitem price": lambda s: money(s.price),
            "Lineitem sku": lambda s: f"MUG-{s.sku}",
            "Lineitem requires shipping": lambda s: "true",
            "Lineitem discount": lambda s: money(s.discount),
            "Billing Name": lambda s: f"Ann B. {s.customer}",
            "Billing Zip": lambda s: "'10115",
            "Id": first(lambda s: str(4_500_000_000_000 + s.order)),
            "Vendor": lambda s: "Mugs",
        },
        {
            "customer_id": "Email",
            "purchased_at": "Created at",
            "order_id": "Name",
            "quantity": "Lineitem quantity",
            "unit_price": "Lineitem price",
            "product_id": "Lineitem sku",
            "discount": "Lineitem discount",
        },
        data={"currency": "EUR"},
        warned=("e-mail", "Financial Status"),
    ),
    Shop(
        "woocommerce order items",
        {
            "Order Number": lambda s: str(7_000 + s.order),
            "Order Status": lambda s: s.status.capitalize(),
            "Order Date": lambda s: s.when.strftime("%Y-%m-%d %H:%M"),
            "Customer User ID": lambda s: str(s.customer + 12),
            "First Name (Billing)": lambda s: "Ann",
            "Email (Billing)": email,
            "Cart Discount Amount": lambda s: "0",
            "Order Subtotal Amount": lambda s: money(s.order_total),
            "Order Shipping Amount": lambda s: "5.00",
            "Order Total Amount": lambda s: money(s.order_total + 500),
            "Order Total Tax Amount": lambda s: money(s.order_total // 5),
            "SKU": lambda s: f"W{s.sku:03d}",
            "Item #": lambda s: str(s.of_order + 1),
            "Item Name": lambda s: f"Shirt {s.sku}",
            "Quantity (- Refund)": lambda s: str(s.quantity),
            "Item Cost": lambda s: money(s.price),
        },
        {
            "customer_id": "Customer User ID",
            "purchased_at": "Order Date",
            "order_id": "Order Number",
            "quantity": "Quantity (- Refund)",
            "unit_price": "Item Cost",
            "product_id": "SKU",
        },
        warned=("Order Total Amount", "Order Status"),
    ),
    Shop(
        "magento orders",
        {
            "entity_id": lambda s: str(s.order + 1),
            "increment_id": lambda s: f"{100_000_000 + s.order}",
            "store_id": lambda s: str(1 + s.order % 2),
            "customer_id": lambda s: str(s.customer + 1),
            "customer_email": email,
            "status": lambda s: "canceled" if s.status == "cancelled" else "complete",
            "created_at": iso,
            "updated_at": lambda s: (s.when + timedelta(days=2)).strftime("%Y-%m-%d %H:%M:%S"),
            "order_currency_code": lambda s: "USD",
            "tax_amount": lambda s: money(s.order_total // 10),
            "shipping_amount": lambda s: "7.50",
            "discount_amount": lambda s: money(-s.discount),
            "grand_total": lambda s: money(s.order_total + 750),
        },
        {
            "customer_id": "customer_id",
            "purchased_at": "created_at",
            "order_id": "increment_id",
            "amount": "grand_total",
            "channel": "store_id",
        },
        data={"currency": "USD"},
        warned=("status",),
        orders_only=True,
    ),
    Shop(
        "stripe payments",
        {
            "id": lambda s: f"ch_{s.order:06d}xYz",
            "Description": lambda s: "Payment",
            "Created date (UTC)": iso,
            "Amount": lambda s: money(s.order_total),
            "Amount Refunded": lambda s: "0.00",
            "Currency": lambda s: "eur".upper(),
            "Converted Amount": lambda s: money(s.order_total),
            "Fee": lambda s: money(s.order_total // 30),
            "Status": lambda s: "Failed" if s.status == "cancelled" else "Paid",
            "Customer ID": lambda s: f"cus_{s.customer:04d}",
            "Customer Email": email,
            "Captured": lambda s: "true",
            "Card ID": lambda s: f"card_{s.customer}",
        },
        {
            "customer_id": "Customer ID",
            "purchased_at": "Created date (UTC)",
            "amount": "Amount",
            "order_id": "id",
        },
        settings={"naive_timezone": "UTC"},
        data={"currency": "EUR"},
        warned=("Status",),
        orders_only=True,
    ),
    Shop(
        "sap-like, german, semicolons",
        {
            "Belegnummer": lambda s: f"00{90_000 + s.order}",
            "Position": lambda s: str(10 * (s.of_order + 1)),
            "Kundennummer": lambda s: f"{s.customer:010d}",
            "Buchungsdatum": lambda s: s.when.strftime("%d.%m.%Y"),
            "Material": lambda s: f"{s.sku:08d}",
            "Bezeichnung": lambda s: f"Schraube {s.sku}",
            "Warengruppe": lambda s: f"WG{s.sku % 5}",
            "Menge": lambda s: str(s.quantity),
            "Einzelpreis": lambda s: grouped(s.price),
            "Nettowert": lambda s: grouped(s.gross),
            "Währung": lambda s: "EUR",
            "Werk": lambda s: f"{1000 + s.order % 3}",
        },
        {
            "customer_id": "Kundennummer",
            "purchased_at": "Buchungsdatum",
            "order_id": "Belegnummer",
            "amount": "Nettowert",
            "quantity": "Menge",
            "product_id": "Material",
            "category": "Warengruppe",
            "channel": "Werk",
        },
        settings={"encoding": "cp1252"},
        data={"currency": "EUR", "tax": "excluded"},
        delimiter=";",
        encoding="cp1252",
    ),
    Shop(
        "amazon all orders, tabs",
        {
            "amazon-order-id": lambda s: f"302-{s.order:07d}-1",
            "purchase-date": lambda s: s.when.strftime("%Y-%m-%dT%H:%M:%S+00:00"),
            "last-updated-date": lambda s: (s.when + timedelta(days=3)).strftime("%Y-%m-%dT%H:%M:%S+00:00"),
            "order-status": lambda s: "Cancelled" if s.status == "cancelled" else "Shipped",
            "sales-channel": lambda s: ("Amazon.de", "Amazon.fr")[s.order % 2],
            "product-name": lambda s: f"Lamp {s.sku}",
            "sku": lambda s: f"L-{s.sku}",
            "asin": lambda s: f"B00{s.sku:07d}",
            "item-status": lambda s: "Shipped",
            "quantity": lambda s: str(s.quantity),
            "currency": lambda s: "EUR",
            "item-price": lambda s: money(s.gross),
            "item-tax": lambda s: money(s.gross // 6),
            "shipping-price": lambda s: "3.99",
            "item-promotion-discount": lambda s: money(s.discount),
            "ship-country": lambda s: "DE",
            "buyer-email": lambda s: f"x{s.customer}@marketplace.example.org",
        },
        # `item-price` is that of all pieces: sold twice, a lamp costs twice as much.
        {
            "customer_id": "buyer-email",
            "purchased_at": "purchase-date",
            "order_id": "amazon-order-id",
            "amount": "item-price",
            "quantity": "quantity",
            "product_id": "sku",
            "channel": "sales-channel",
            "discount": "item-promotion-discount",
        },
        data={"currency": "EUR"},
        warned=("e-mail", "order-status"),
        delimiter="\t",
    ),
    Shop(
        "square items",
        {
            "Date": lambda s: s.when.strftime("%m/%d/%Y"),
            "Time": lambda s: s.when.strftime("%H:%M:%S"),
            "Time Zone": lambda s: "Pacific Time (US & Canada)",
            "Category": lambda s: ("Drinks", "Food")[s.sku % 2],
            "Item": lambda s: f"Latte {s.sku}",
            "Qty": lambda s: f"{s.quantity}.0",
            "SKU": lambda s: "",
            "Gross Sales": lambda s: f"${money(s.gross)}",
            "Discounts": lambda s: f"-${money(s.discount)}" if s.discount else "$0.00",
            "Net Sales": lambda s: f"${money(s.net)}",
            "Tax": lambda s: f"${money(s.net // 10)}",
            "Transaction ID": lambda s: f"T{s.order:05d}AbC",
            "Payment ID": lambda s: f"P{s.order:05d}",
            "Event Type": lambda s: "Payment",
            "Customer ID": lambda s: f"C{s.customer:04d}",
            "Customer Name": lambda s: f"Ann {s.customer}",
        },
        {
            "customer_id": "Customer ID",
            "purchased_at": "Date",
            "order_id": "Transaction ID",
            "amount": "Net Sales",
            "quantity": "Qty",
            "product_id": "Item",
            "category": "Category",
        },
        data={"currency": "USD"},
    ),
    Shop(
        "lightspeed sales lines",
        {
            "Date": iso,
            "Sale ID": lambda s: str(20_000 + s.order),
            "Sale Line ID": lambda s: str(90_000 + s.n),
            "Customer": lambda s: f"Customer {s.customer}",
            "Item": lambda s: str(210_000 + s.sku),
            "Description": lambda s: f"Tyre {s.sku}",
            "Quantity": lambda s: str(s.quantity),
            "Retail": lambda s: money(s.price),
            "Subtotal": lambda s: money(s.gross),
            "Discount": lambda s: money(s.discount),
            "Total": lambda s: money(s.net),
            "Cost": lambda s: money(s.gross // 2),
            "Profit": lambda s: money(s.net - s.gross // 2),
        },
        {
            "customer_id": "Customer",
            "purchased_at": "Date",
            "order_id": "Sale ID",
            "transaction_id": "Sale Line ID",
            "amount": "Total",
            "quantity": "Quantity",
            "discount": "Discount",
            "cost": "Cost",
            "product_id": "Item",
        },
    ),
    Shop(
        "persian shop",
        {
            "شماره سفارش": lambda s: str(5_000 + s.order).translate(_PERSIAN),
            "کد مشتری": lambda s: str(100 + s.customer).translate(_PERSIAN),
            "تاریخ سفارش": lambda s: s.when.strftime("%Y/%m/%d").translate(_PERSIAN),
            "نام کالا": lambda s: f"فرش {s.sku}",
            "تعداد": lambda s: str(s.quantity).translate(_PERSIAN),
            "قیمت واحد": lambda s: str(s.price * 1_000).translate(_PERSIAN),
            "مبلغ کل": lambda s: str(s.gross * 1_000).translate(_PERSIAN),
        },
        {
            "customer_id": "کد مشتری",
            "purchased_at": "تاریخ سفارش",
            "order_id": "شماره سفارش",
            "amount": "مبلغ کل",
            "quantity": "تعداد",
            "product_id": "نام کالا",
        },
    ),
    Shop(
        "persian shop, solar years",
        {
            "کد مشتری": lambda s: str(100 + s.customer),
            "تاریخ": lambda s: f"{s.when.year - 621}/{s.when.month:02d}/{min(s.when.day, 29):02d}",
            "مبلغ": lambda s: str(s.gross * 1_000),
        },
        {"customer_id": "کد مشتری", "purchased_at": "تاریخ", "amount": "مبلغ"},
        warned=("Jalali",),
        readable=False,
    ),
    Shop(
        "prestashop, french",
        {
            "N° commande": lambda s: f"FR{s.order:05d}",
            "N° client": lambda s: str(300 + s.customer),
            "Date commande": lambda s: s.when.strftime("%d/%m/%Y %H:%M"),
            "Référence": lambda s: f"R{s.sku}",
            "Catégorie": lambda s: ("Vin", "Fromage", "Pain")[s.sku % 3],
            "Quantité": lambda s: str(s.quantity),
            "Prix unitaire": lambda s: money(s.price, ","),
            "Montant HT": lambda s: money(s.gross, ","),
            "Montant TTC": lambda s: money(s.gross * 6 // 5, ","),
        },
        {
            "customer_id": "N° client",
            "purchased_at": "Date commande",
            "order_id": "N° commande",
            "amount": "Montant HT",
            "quantity": "Quantité",
            "product_id": "Référence",
            "category": "Catégorie",
        },
        data={"tax": "excluded"},
        delimiter=";",
    ),
    Shop(
        "spanish invoices with returns",
        {
            "Número de factura": lambda s: f"{'D' if s.status == 'cancelled' else 'F'}{s.order:05d}",
            "Código cliente": lambda s: f"C{s.customer:03d}",
            "Fecha factura": lambda s: s.when.strftime("%d-%m-%Y"),
            "Código producto": lambda s: f"P{s.sku:03d}",
            "Unidades": lambda s: str(-s.quantity if s.status == "cancelled" else s.quantity),
            "Importe": lambda s: money(-s.net if s.status == "cancelled" else s.net, ","),
        },
        {
            "customer_id": "Código cliente",
            "purchased_at": "Fecha factura",
            "order_id": "Número de factura",
            "amount": "Importe",
            "quantity": "Unidades",
            "product_id": "Código producto",
        },
        settings={"returns": "net"},
        delimiter=";",
    ),
    Shop(
        "turkish marketplace",
        {
            "Sipariş No": lambda s: str(88_000_000 + s.order),
            "Müşteri No": lambda s: str(s.customer + 7_000),
            "Sipariş Tarihi": lambda s: s.when.strftime("%d.%m.%Y %H:%M"),
            "Ürün Kodu": lambda s: f"UR{s.sku}",
            "Kategori": lambda s: ("Giyim", "Ev")[s.sku % 2],
            "Adet": lambda s: str(s.quantity),
            "Birim Fiyat": lambda s: f"{money(s.price, ',')} ₺",
            "Tutar": lambda s: f"{money(s.gross, ',')} ₺",
            "Durum": lambda s: "İptal" if s.status == "cancelled" else "Teslim edildi",
        },
        {
            "customer_id": "Müşteri No",
            "purchased_at": "Sipariş Tarihi",
            "order_id": "Sipariş No",
            "amount": "Tutar",
            "quantity": "Adet",
            "product_id": "Ürün Kodu",
            "category": "Kategori",
        },
        data={"currency": "TRY"},
        warned=("Durum",),
        delimiter=";",
    ),
    Shop(
        "olist-like: an id of the customer for every order",
        {
            "order_id": lambda s: f"{s.order * 7919 % 100_003:08x}",
            "customer_id": lambda s: f"{s.order * 104_729 % 1_000_003:08x}",
            "customer_unique_id": lambda s: f"u{s.customer * 31:06x}",
            "order_purchase_timestamp": iso,
            "order_delivered_customer_date": lambda s: (s.when + timedelta(days=5)).strftime("%Y-%m-%d %H:%M:%S"),
            "product_id": lambda s: f"p{s.sku:06x}",
            "price": lambda s: money(s.gross),
            "freight_value": lambda s: "9.90",
        },
        {
            "customer_id": "customer_unique_id",
            "purchased_at": "order_purchase_timestamp",
            "order_id": "order_id",
            "amount": "price",
            "product_id": "product_id",
        },
    ),
    Shop(
        "h&m-like",
        {
            "t_dat": lambda s: s.when.strftime("%Y-%m-%d"),
            "customer_id": lambda s: f"{s.customer * 2_654_435_761:064x}",
            "article_id": lambda s: f"0{600_000_000 + s.sku}",
            "price": lambda s: f"0.{s.price:07d}",
            "sales_channel_id": lambda s: str(1 + s.order % 2),
        },
        {
            "customer_id": "customer_id",
            "purchased_at": "t_dat",
            "amount": "price",
            "product_id": "article_id",
            "channel": "sales_channel_id",
        },
    ),
    Shop(
        "order totals repeated on every line",
        {
            "order_no": lambda s: f"A{s.order}",
            "client_no": lambda s: str(40 + s.customer),
            "order_date": iso,
            "article": lambda s: f"art{s.sku}",
            "order_total": lambda s: money(s.order_total),
        },
        {
            "customer_id": "client_no",
            "purchased_at": "order_date",
            "order_id": "order_no",
            "amount": "order_total",
        },
        settings={"duplicates": "drop"},
        warned=("repeated on each of its lines",),
    ),
    Shop(
        "a saved frame with its index, epoch milliseconds",
        {
            "Unnamed: 0": lambda s: str(s.n),
            "user_id": lambda s: str(s.customer),
            "ts": lambda s: str(int(s.when.timestamp()) * 1000),
            "timestamp": lambda s: str(1_700_000_000_000 + s.order * 10_000_000),
            "basket_id": lambda s: str(s.order),
            "revenue": lambda s: money(s.net),
        },
        {
            "customer_id": "user_id",
            "purchased_at": "timestamp",
            "order_id": "basket_id",
            "amount": "revenue",
        },
    ),
    Shop(
        "several currencies",
        {
            "OrderNumber": lambda s: str(s.order),
            "CustomerID": lambda s: str(s.customer),
            "OrderDate": iso,
            "LineTotal": lambda s: money(s.net),
            "CurrencyCode": lambda s: ("EUR", "EUR", "USD")[s.order % 3],
        },
        {
            "customer_id": "CustomerID",
            "purchased_at": "OrderDate",
            "order_id": "OrderNumber",
            "amount": "LineTotal",
            "currency": "CurrencyCode",
        },
        settings={"rates": {"USD": ""}},
        data={"currency": "EUR"},
        warned=("what one unit of each is",),
        readable=False,
    ),
    Shop(
        "day and month that nothing tells",
        {
            "member": lambda s: f"m{s.customer}",
            "date": lambda s: f"{1 + s.order // 22:02d}/{1 + s.order % 22 * 12 // 22:02d}/2023",
            "total": lambda s: money(s.net),
        },
        # 01/01, 01/02 ... 01/12, 02/01 ...: month first, the file runs forward; day first, it falls back each month.
        {"customer_id": "member", "purchased_at": "date", "amount": "total"},
        settings={"day_first": False},
    ),
    Shop(
        "thousands that may be decimals",
        {
            "Kunde": lambda s: f"K{s.customer}",
            "Datum": lambda s: s.when.strftime("%d.%m.%Y"),
            "Betrag": lambda s: f"{1 + s.price % 9}.{s.sku % 10}50",
        },
        {"customer_id": "Kunde", "purchased_at": "Datum", "amount": "Betrag"},
        settings={"decimal": ","},
        delimiter=";",
    ),
    Shop(
        "amounts in cents",
        {
            "customer": lambda s: str(s.customer),
            "created": iso,
            "amount": lambda s: str(s.net),
        },
        {"customer_id": "customer", "purchased_at": "created", "amount": "amount"},
        warned=("cents",),
    ),
)
