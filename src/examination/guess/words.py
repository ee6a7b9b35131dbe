"""What columns are called: the usual names of every role in English, German, French, Spanish, Turkish and Persian.

In: the name of a column. Out: how well it names a role, from 0 (not at all) to 1 (exactly that). Capitals, accents,
camel case and the signs between words make no difference. An empty name names nothing.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

_PERSIAN = str.maketrans("يكىۀةأإآ", "یکیههااا")

NAMES: dict[str, tuple[str, str]] = {
    # role: names that can mean nothing else | names that often do
    "customer_id": (
        "customer id|customer no|customer number|customer code|customer key|customer unique id|cust id|client id|"
        "user id|member id|household id|household key|buyer id|shopper id|loyalty id|loyalty card|customer reference|"
        "patron id|guest id|contact id|kundennummer|kundennr|kunden nr|kunden id|debitor|debitorennummer|"
        "numero client|id client|no client|n client|code client|id cliente|cliente id|codigo cliente|numero cliente|"
        "musteri no|musteri id|musteri kodu|شناسه مشتری|کد مشتری|شماره مشتری|کد اشتراک",
        "customer|client|user|member|household|buyer|shopper|kunde|cliente|musteri|مشتری|خریدار|account id|"
        "customer email|email|e mail|buyer email|user email|email address|email billing|billing email|contact email|"
        "email du client|correo|eposta|ایمیل|card id|card number|phone|mobile|telefon|تلفن|موبایل|"
        "customer name|client name|buyer name|buyer user id|billing name|buyer username|kundenname|نام مشتری|id",
    ),
    "purchased_at": (
        "purchased at|purchase date|order date|invoice date|transaction date|transaction timestamp|sale date|"
        "date of purchase|order purchase timestamp|created at|created date|created|created date utc|receipt date|"
        "date of order|transaction time|order created|date created|sale time|completed at|order datetime|t dat|"
        "bestelldatum|rechnungsdatum|kaufdatum|buchungsdatum|belegdatum|verkaufsdatum|date commande|"
        "date de commande|date achat|date facture|fecha pedido|fecha compra|fecha de compra|fecha factura|"
        "siparis tarihi|fatura tarihi|satis tarihi|تاریخ سفارش|تاریخ خرید|تاریخ فاکتور|زمان سفارش",
        "date|time|timestamp|datetime|day|paid at|payment date|posted|posting date|datum|zeit|zeitpunkt|fecha|"
        "tarih|تاریخ|زمان|when|order time|date paid|sold at|transaction dt|invoicing date",
    ),
    "order_id": (
        "order id|order no|order number|order key|invoice|invoice no|invoice id|invoice number|basket id|basket|"
        "receipt id|receipt no|receipt number|sale id|sales order|order increment id|increment id|amazon order id|"
        "order name|bill no|bill number|ticket id|ticket number|cart id|checkout id|bestellnummer|bestellnr|"
        "rechnungsnummer|rechnungsnr|belegnummer|belegnr|auftragsnummer|bonnummer|numero commande|n commande|"
        "no commande|reference commande|id commande|numero facture|numero pedido|n pedido|id pedido|"
        "numero de pedido|numero de factura|siparis no|siparis id|siparis numarasi|fatura no|fis no|"
        "شماره سفارش|شماره فاکتور|کد سفارش",
        "order|receipt|ticket|transaction id|transaction|transaction no|trans id|sale|bon|beleg|rechnung|"
        "bestellung|commande|facture|pedido|factura|siparis|fatura|سفارش|فاکتور|sales record number|visit id|id|name",
    ),
    "transaction_id": (
        "line id|order line id|lineitem id|line item id|order item id|item id|row id|transaction line id|charge id|"
        "orderitem id|positions id|entry id",
        "id|transaction id|uuid|payment id",
    ),
    "product_id": (
        "product id|product no|product code|product key|sku|stock code|stockcode|item code|item no|item number|"
        "article id|article no|article number|article|asin|upc|ean|gtin|plu|barcode|lineitem sku|item sku|"
        "artikelnummer|artikelnr|artikel nr|artikel|material|materialnummer|reference produit|id produit|"
        "code produit|codigo producto|id producto|referencia|urun kodu|urun no|stok kodu|barkod|"
        "کد کالا|شناسه کالا|کد محصول|شناسه محصول|بارکد",
        "product|item|product name|item name|lineitem name|item title|description|bezeichnung|produkt|produit|"
        "producto|urun|urun adi|کالا|محصول|نام کالا|نام محصول|reference|title|artikelbezeichnung|designation|libelle",
    ),
    "category": (
        "category|product category|department|category name|item category|warengruppe|kategorie|categorie|rayon|"
        "categoria|departamento|kategori|دسته|دسته بندی|گروه کالا",
        "product type|product group|product subclass|family|class|type|section|abteilung|group|sub category|"
        "product line|category code|category l1|brand",
    ),
    "channel": (
        "channel|sales channel|order channel|sales channel id|channel id|vertriebskanal|verkaufskanal|kanal|canal|"
        "canal de venta|canal de vente|کانال|کانال فروش",
        "source|source name|store id|store|shop|location|fulfillment channel|platform|branch|outlet|filiale|werk|"
        "magasin|tienda|magaza|sube|شعبه|فروشگاه|fulfilment channel|store code|store name|marketplace",
    ),
    "quantity": (
        "quantity|qty|quantity ordered|qty ordered|item quantity|lineitem quantity|units|units sold|pieces|"
        "quantity purchased|menge|anzahl|stuckzahl|quantite|qte|cantidad|cant|unidades|adet|miktar|تعداد|مقدار|"
        "quantity refund|order quantity|no of units|number of items|sales quantity|item qty",
        "number|count|items|stuck|quantity sold|nombre|num|volume",
    ),
    "unit_price": (
        "unit price|price per unit|price each|price per item|lineitem price|item cost|price ea|einzelpreis|"
        "stuckpreis|preis pro stuck|prix unitaire|prix unitaire ht|pu|precio unitario|birim fiyat|birim fiyati|"
        "قیمت واحد|فی|unit amount|unit cost price|price excl|item unit price",
        "price|item price|preis|prix|precio|fiyat|قیمت|retail|retail price|list price|selling price|sales price|"
        "verkaufspreis|sale price",
    ),
    "amount": (
        "line total|line amount|line value|line revenue|net sales|net amount|net value|net revenue|net total|"
        "sales value|sales amount|extended price|item total|item subtotal|row total|amount net|total price|"
        "subtotal net|nettowert|nettobetrag|nettoumsatz|positionswert|umsatz|gesamtpreis|montant ht|total ht|"
        "montant net|importe neto|importe linea|net tutar|satir tutari|مبلغ خالص|مبلغ ردیف|dollar sales|line price|"
        "price paid|amount paid",
        "amount|total|sum|revenue|sales|turnover|value|spend|spent|money|total amount|grand total|order total|"
        "total sales|total paid|total spent|order amount|order value|transaction amount|subtotal|order total amount|"
        "gross sales|gross amount|betrag|summe|gesamt|gesamtbetrag|bruttowert|bruttobetrag|montant|montant ttc|"
        "total ttc|importe|importe total|monto|total de la venta|tutar|toplam|toplam tutar|genel toplam|مبلغ|"
        "مبلغ کل|جمع|جمع کل|مبلغ سفارش|payment|payment value|payed|paid|order subtotal amount|base grand total|"
        "bruttoumsatz|item price|price|wert",
    ),
    "discount": (
        "discount|discount amount|lineitem discount|item discount|line discount|discounts|rabatt|rabattbetrag|"
        "nachlass|remise|descuento|indirim|indirim tutari|تخفیف|مبلغ تخفیف|retail disc|promo discount|"
        "item promotion discount|coupon discount|promotion discount",
        "disc|rebate|markdown|cart discount amount|coupon disc",
    ),
    "cost": (
        "cost|cost of goods|cogs|cost price|unit cost|line cost|total cost|cost amount|einkaufspreis|einstandspreis|"
        "wareneinsatz|prix achat|coste|maliyet|بهای تمام شده",
        "purchase price",
    ),
    "currency": (
        "currency|currency code|order currency|order currency code|wahrung|waehrung|devise|moneda|divisa|"
        "para birimi|doviz|ارز|واحد پول|currency iso",
        "iso currency|transaction currency",
    ),
    "known_at": ("known at|loaded at|ingested at|inserted at|load date|load timestamp|etl date|recorded at", ""),
    "status": (
        "status|order status|financial status|payment status|item status|state|bestellstatus|auftragsstatus|statut|"
        "etat|estado|durum|siparis durumu|وضعیت|وضعیت سفارش|event type|transaction type|fulfillment status",
        "cancelled|is cancelled|refunded",
    ),
    "tax": (
        "tax|taxes|vat|item tax|tax amount|order total tax amount|mwst|ust|mehrwertsteuer|tva|iva|kdv|مالیات|"
        "lineitem taxable|tax 1 value",
        "",
    ),
    "kind": (
        "kind|event|event type|event name|event kind|action|activity|activity type|interaction type|event action|"
        "ereignis|evenement|evento|olay|رویداد",
        "type|name|category",
    ),
    "value": ("value|score|points|rating|reward|nps|event value", "amount"),
    "initiated_by": ("initiated by|initiator|direction", ""),
    "reason": (
        "reason|reason code|complaint reason|return reason|cause|grund|reklamationsgrund|motif|motivo|sebep",
        "why|topic|issue|subject|category",
    ),
    "occurred_at": (
        "occurred at|event time|event date|event timestamp|visited at|opened at|sent at|clicked at|created at|"
        "timestamp|event at",
        "date|time|datetime|day|datum|fecha|tarih|تاریخ|when|created",
    ),
    "joined_at": (
        "joined at|join date|registered at|registration date|signup date|sign up date|signed up|became member on|"
        "created at|member since|customer since|first seen|registriert am|date inscription|fecha registro|"
        "kayit tarihi|تاریخ عضویت|تاریخ ثبت نام",
        "date|created|since|date created",
    ),
    "acquisition_channel": (
        "acquisition channel|acquired by|utm source|signup channel|signup source|source|referral source|lead source",
        "channel",
    ),
    "acquisition_cost": ("acquisition cost|cac|cost per acquisition", ""),
    "referred_by": ("referred by|referrer id|referral id|referrer|invited by", ""),
    "offer_id": (
        "offer id|coupon id|coupon code|coupon upc|campaign id|promotion id|offer|coupon|voucher|voucher code|"
        "promo code|campaign",
        "code",
    ),
    "offered_at": (
        "offered at|sent at|offer date|campaign date|received at|mailed at|issued at|start date|send date|sent",
        "date|time|created at|day",
    ),
    "redeemed_at": ("redeemed at|redemption date|used at|redeemed|used on|redeemed on", "date|time"),
    "purpose": ("purpose|consent purpose|consent type", "type"),
    "consent": (
        "consent|status|granted|opt in|opted in|subscribed|permission|consent status|accepts marketing",
        "state",
    ),
    "recorded_at": (
        "recorded at|consent date|consented at|updated at|consent timestamp|changed at|opt in date",
        "date|time|timestamp|created at",
    ),
}
"""The names of every role: those that can mean nothing else, and those that often mean it, best first."""

PERSONAL = (
    "email|e mail|mail|phone|mobile|tel|telefon|name|first name|last name|surname|vorname|nachname|address|street|"
    "strasse|zip|zip code|postcode|postal code|plz|birth|birthday|birth date|dob|iban|card|passport|ssn|tax id|vat id|"
    "nom|prenom|adresse|nombre|apellido|direccion|isim|soyad|adres|نام|نام مشتری|آدرس|تلفن|موبایل|ایمیل|کد ملی|ip"
)
_PEOPLE = "customer|client|user|member|household|buyer|shopper|kunde|cliente|musteri|مشتری|خریدار"


def words_of(name: str) -> tuple[str, ...]:
    """The plain words of a column's name.

    Examples
    --------
    >>> words_of("InvoiceDate"), words_of("Kunden-Nr."), words_of("Montant (H.T.)")
    (('invoice', 'date'), ('kunden', 'nr'), ('montant', 'ht'))
    """
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name.replace("H.T.", "HT"))
    plain = unicodedata.normalize("NFKD", apart.casefold().replace("ı", "i").replace("ß", "ss"))
    plain = "".join(c for c in plain if not unicodedata.combining(c)).translate(_PERSIAN)
    return tuple(re.findall(r"[^\W_]+", plain))


_THINGS = frozenset(
    words_of("product item lineitem article sku category store location shipping payment method title brand")
)
_LATER = frozenset(
    words_of(
        "updated modified cancelled canceled shipped ship shipping delivery delivered due birth last fulfilled "
        "estimated carrier approved limit expiry expires end refunded synced exported closed processed payout"
    )
)
_CODE_WORDS = frozenset(words_of("id no nr number code key"))


@cache
def _phrases(names: str) -> tuple[tuple[str, ...], ...]:
    return tuple(words_of(phrase) for phrase in names.split("|") if phrase)


def names_role(name: str, role: str) -> float:
    """How well the name of a column names a role: 1 exactly, 0.7 often, less where it stands among other words.

    Examples
    --------
    >>> names_role("CustomerID", "customer_id"), names_role("Customer", "customer_id"), names_role("colour", "amount")
    (1.0, 0.7, 0.0)
    """
    words = words_of(name)
    strong, weak = NAMES[role]
    best = max((_fit(words, p) for p in _phrases(strong)), default=0.0)
    rank = [_fit(words, p) * (0.7 - 0.002 * i) for i, p in enumerate(_phrases(weak))]
    # Among names that often mean it, an earlier one wins; the first counts fully.
    found = max(best, max(rank, default=0.0))
    if role in ("purchased_at", "occurred_at") and found < 1 and _LATER & set(words):
        return found * 0.4
    if role == "customer_id" and found < 1 and _THINGS & set(words):
        return 0.0
    return found


def _fit(words: tuple[str, ...], phrase: tuple[str, ...]) -> float:
    """Whether a phrase is all the words (1), stands among them (the less, the more others), or does not (0)."""
    if words == phrase or "".join(words) == "".join(phrase):
        return 1.0
    size = len(phrase)
    inside = any(words[i : i + size] == phrase for i in range(len(words) - size + 1))
    if not inside or (size == 1 and phrase[0] in _CODE_WORDS):
        return 0.0
    return 0.85 if len(words) == size + 1 else 0.7


def is_personal(name: str) -> bool:
    """Whether a column's name says that it holds what belongs to a person, so that no value of it is shown.

    Examples
    --------
    >>> is_personal("Billing Phone"), is_personal("Item Name"), is_personal("household_size")
    (True, False, False)
    """
    words = words_of(name)
    if _THINGS & set(words):
        return False
    whole = any(_fit(words, phrase) == 1 for phrase in _phrases(_PEOPLE))
    return whole or names_role(name, "customer_id") == 1 or any(_fit(words, p) > 0 for p in _phrases(PERSONAL))


def is_row_number(name: str) -> bool:
    """Whether a column is called like the index that a frame leaves behind when it is saved.

    Examples
    --------
    >>> is_row_number("Unnamed: 0"), is_row_number("index"), is_row_number("id")
    (True, True, False)
    """
    return (
        not name.strip()
        or name.casefold().startswith("unnamed:")
        or words_of(name)
        in (("index",), ("level", "0"), ("row",), ("rownum",), ("row", "number"), ("rownames",), ("x1",))
    )


def later_than(name: str) -> bool:
    """Whether a time's name says that it is of something after the purchase, as of its delivery.

    Examples
    --------
    >>> later_than("delivered_at"), later_than("created_at")
    (True, False)
    """
    return bool(_LATER & set(words_of(name)))
