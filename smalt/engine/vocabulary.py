"""The words analysts use for the lines companies print.

Kept as code, not as a data file: the patterns are reviewed, typed and tested like code, and the engine stays free of
input and output. Every entry is general accounting usage; none belongs to a company. ``labels`` are tried in order, the
most specific first, against a printed label without its note references. A wording that belongs to a measure is only
ever answered by that measure's labels (or by the very same words in print), so that an absent line is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from smalt.kernel.figures import Unit
from smalt.search.model import BALANCE, CASHFLOW, INCOME
from smalt.search.tokens import label_key

FLOW, STOCK = "flow", "stock"


@dataclass(frozen=True, slots=True)
class Measure:
    """One line of a financial statement. ``outflow`` lines count by magnitude in calculations."""

    key: str
    name: str
    kind: str
    statement: str
    wordings: tuple[str, ...]
    labels: tuple[re.Pattern[str], ...]
    avoid: re.Pattern[str] | None = None
    unit: Unit = Unit.MONEY
    section: re.Pattern[str] | None = None
    section_first: re.Pattern[str] | None = None
    outflow: bool = False
    rollforward: bool = False


def _measure(
    key: str,
    name: str,
    kind: str,
    statement: str,
    wordings: str,
    *,
    labels: list[str],
    avoid: str = "",
    unit: Unit = Unit.MONEY,
    section: str = "",
    section_first: str = "",
    outflow: bool = False,
    rollforward: bool = False,
) -> Measure:
    compiled = tuple(re.compile(pattern) for pattern in labels)
    return Measure(
        key,
        name,
        kind,
        statement,
        tuple(part.strip() for part in wordings.split("|")),
        compiled,
        re.compile(avoid) if avoid else None,
        unit,
        re.compile(section) if section else None,
        re.compile(section_first) if section_first else None,
        outflow,
        rollforward,
    )


_LOSS = r"(?: ?\(?/?\(?loss(?:es)?\)?\)?)?"
_INCOME = r"(?:\(?loss\)?[ /]*)?(?:income|earnings?|profits?|\(?loss(?:es)?\)?)" + _LOSS
_PPE = r"(?:property|properties|plant|premises|fixed assets|equipment|capital assets|real estate|software)"
_OWNERS = r"(?:share|stock)(?:holders|owners)'?s?'?"
_NCI = r"non-?\s?controlling|minority|redeemable"
_MONEY_ONLY = r"\bper\b|%|percent|margin %|\brate\b"

MEASURES: tuple[Measure, ...] = (
    _measure("revenue", "revenue", FLOW, INCOME, "revenue|revenues|total revenue|total revenues|net sales|sales|total sales|net revenue|net revenues|net sales or total revenue|total net sales|total net revenue|top line|top-line|top-line revenue|turnover|sales revenue|total operating revenue|net operating revenues|operating revenues|consolidated revenue",
        labels=[r"^total (?:consolidated |company )?(?:net )?(?:operating )?(?:revenues?|sales)(?: and other (?:income|revenues?))?(?:,? net)?(?: of interest expense)?$", r"^(?:consolidated )?net (?:operating )?(?:revenues?|sales)$", r"^(?:consolidated |operating )?(?:revenues?|sales)(?:,? net(?: of interest expense)?| \(net\))?$", r"^(?:net )?sales (?:and|&) (?:other )?(?:operating )?revenues?(?:, net)?$", r"^(?:net )?revenues? from (?:contracts with )?customers$", r"^revenues?, net of .*$", r"^total revenues? .*$"],
        avoid=_MONEY_ONLY + "|cost|deferred|unearned|other than|growth|intersegment"),
    _measure("cogs", "cost of sales", FLOW, INCOME, "cogs|cost of goods sold|cost of sales|cost of revenue|cost of revenues|cost of products sold|total cost of sales|total cost of revenue|cost of goods|costs of goods sold|cost of sales and revenue",
        labels=[r"^total costs? of (?:net )?(?:revenues?|sales|goods sold|products sold|products and services|goods and services|sales and services)\b.*$", r"^costs? of (?:net )?(?:sales|revenues?|goods sold|products sold|merchandise sold|products and services sold|products and services|services and products|goods and services sold|sales and services|sales and occupancy.*|sales, .*)(?: ?\(.*\)|,? (?:excluding|exclusive|including|inclusive).*)?$", r"^(?:merchandise costs|costs? of (?:products|services|operations))$"],
        avoid=_MONEY_ONLY),
    _measure("gross", "gross profit", FLOW, INCOME, "gross profit|gross profit in dollars|gross profits|gross income|gross margin in dollars|gross margin dollars|dollar gross margin",
        labels=[r"^(?:total |consolidated )?gross (?:profit|margin)" + _LOSS + "$"], avoid=_MONEY_ONLY),
    _measure("opinc", "operating income", FLOW, INCOME, "operating income|operating profit|operating profit (ebit)|ebit|income from operations|operating earnings|operating income (ebit)|operating result|earnings from operations|operating income (loss)|profit from operations|operating loss|earnings before interest and taxes|loss from operations",
        labels=[r"^(?:total |consolidated )?operating " + _INCOME + "$", r"^(?:total )?" + _INCOME + r" from operations$", r"^(?:total )?(?:loss|\(loss\)) ?/? ?(?:income|earnings) from operations$", r"^(?:total )?" + _INCOME + r" from operations.*before.*$", r"^operating profit .*$"],
        avoid=_MONEY_ONLY + r"|non-?operating|segment|adjusted|discontinued|equity"),
    _measure("pretax", "income before income taxes", FLOW, INCOME, "pre-tax income|pretax income|income before taxes|income before income taxes|earnings before taxes|earnings before income taxes|profit before tax|pretax profit|pre-tax profit|pre-tax earnings|pretax earnings|ebt|profit before taxes|income before tax|income before provision for income taxes|pretax income (loss)",
        labels=[r"^" + _INCOME + r"(?: from continuing operations)?,? before (?:the )?(?:provision|benefit|\(?income|taxes|tax|\(?benefit).*$", r"^(?:total |consolidated )?(?:pre-?tax) " + _INCOME + ".*$", r"^total " + _INCOME + r",? before .*tax.*$", r"^" + _INCOME + r".* before .*tax.*$"],
        avoid=_MONEY_ONLY + r"|segment|domestic|foreign|united states|other comprehensive|reclass"),
    _measure("tax", "income tax expense", FLOW, INCOME, "provision for income taxes|income tax expense|income taxes|tax provision|tax expense|income tax provision|taxes on income|provision for taxes|income tax|income tax expense (benefit)|total tax expense",
        labels=[r"^(?:less: )?(?:total )?(?:provision|\(?benefit\)?)(?: ?\(?/?\(?(?:for|from|provision|benefit)\)?)*(?: ?(?:for|from))? (?:income )?taxes(?: on (?:income|earnings))?$", r"^(?:less: )?(?:total )?income tax(?:es)? ?\(?(?:expense|provision|benefit)\)?.*$", r"^(?:total )?\(?(?:provision|benefit|expense)\)?.*income tax(?:es)?$", r"^(?:provision for )?(?:income taxes|taxes on (?:income|earnings))(?: from continuing operations)?$", r"^total income tax.*$"],
        avoid=_MONEY_ONLY + r"|deferred|payable|\bpaid\b|before|refund|receivable|other comprehensive|related|effect|unrecognized|stock|withh"),
    _measure("ni", "net income", FLOW, INCOME, "net income|net earnings|bottom-line profit|bottom line|bottom-line|net profit|profit after tax|net income (loss)|profit for the year|net loss|earnings after tax|net income attributable to shareholders|bottom-line earnings|bottom line profit",
        labels=[r"^(?:consolidated )?net " + _INCOME + r",? attributable to (?!.*(?:" + _NCI + r"|common))(?=.*\S).*$", r"^net " + _INCOME + r",? attributable to (?!.*(?:" + _NCI + r")).*common (?:stock|share)(?:holders|owners)$", r"^(?:consolidated )?net " + _INCOME + "$", r"^" + _INCOME + r" for the (?:year|period)$", r"^net " + _INCOME + r",? (?:available|applicable) to .*common.*$"],
        avoid=_MONEY_ONLY + r"|" + _NCI + r"|before|adjust|discontinued|continuing|pro forma|comprehensive"),
    _measure("epsd", "diluted earnings per share", FLOW, INCOME, "diluted eps|diluted earnings per share|diluted net income per share|diluted income per share|earnings per share diluted|earnings per diluted share|eps diluted|diluted net earnings per share|eps|earnings per share|diluted earnings per common share",
        labels=[r"diluted.*\b(?:per\b.*share|eps)|\b(?:per\b.*share|eps)\b.*(?:dilut|dilution)", r"^-?\s*(?:net (?:income|earnings)[ -]*)?(?:diluted|assuming dilution|basic and diluted|diluted earnings|diluted \(.*\))$", r"^(?:net )?" + _INCOME + r" per (?:common )?share$", "^diluted.*"],
        avoid=r"dividend|number of|continuing|discontinued|pro forma|adjusted|weighted|shares used|increase|growth|impact", unit=Unit.PER_SHARE),
    _measure("epsb", "basic earnings per share", FLOW, INCOME, "basic eps|basic earnings per share|basic net income per share|earnings per share basic|basic income per share|eps basic|basic net earnings per share|basic earnings per common share",
        labels=[r"basic.*\b(?:per\b.*share|eps)|\b(?:per\b.*share|eps)\b.*basic", r"^-?\s*(?:net (?:income|earnings)[ -]*)?(?:basic|basic and diluted|basic earnings)$", r"^(?:net )?" + _INCOME + r" per (?:common )?share$", "^basic.*"],
        avoid=r"dividend|number of|continuing|discontinued|pro forma|adjusted|weighted|shares used|increase|growth|impact", unit=Unit.PER_SHARE),
    _measure("dilsh", "diluted weighted-average shares", FLOW, INCOME, "diluted share count|diluted weighted-average shares|diluted shares|diluted weighted average shares|weighted-average diluted shares|diluted shares outstanding|diluted average shares|weighted average diluted shares outstanding|fully diluted shares|diluted weighted average shares outstanding",
        labels=[r"(?:weighted|average|shares|number).*(?:dilut|dilution)|dilut.*(?:weighted|average|shares)", r"^-?\s*(?:diluted|assuming dilution|basic and diluted)$", "^diluted.*"], avoid=r"dividend|antidilut|anti-dilut|excluded|effect|adjustment|per share (?:-|attrib)", unit=Unit.SHARES),
    _measure("bassh", "basic weighted-average shares", FLOW, INCOME, "basic share count|basic weighted-average shares|basic shares|basic weighted average shares|weighted-average basic shares|basic shares outstanding|weighted average shares|weighted average shares outstanding",
        labels=[r"(?:weighted|average|shares|number).*basic|basic.*(?:weighted|average|shares)", r"^-?\s*(?:basic|basic and diluted)$", "^basic.*"], avoid=r"dividend|antidilut|excluded|effect", unit=Unit.SHARES),
    _measure("rd", "research and development", FLOW, INCOME, "r&d|r&d spend|r&d expense|research and development|research and development expense|research and development expenses|r&d costs|research and development costs|r&d spending|research & development|research and development spend",
        labels=[r"^(?:total )?research(?:,| and)? (?:and )?development(?:,? (?:and )?engineering)?(?: expenses?| costs?)?(?:, net|,? (?:including|excluding|exclusive).*)?$", r"^research, development and .*$", r"^(?:company-sponsored|product) research and development.*$", r"^(?:product|technology and) development(?: expenses?)?$"], avoid=_MONEY_ONLY + "|credit|capitaliz|in-process|tax"),
    _measure("sga", "selling, general and administrative expense", FLOW, INCOME, "sg&a|sga|selling, general and administrative|selling, general and administrative expense|selling, general and administrative expenses|sg&a expense|sg&a expenses|selling general & administrative|overhead|selling, general & administrative expenses|sg&a costs|selling and administrative expense",
        labels=[r"^(?:total )?selling,? (?:general|informational|marketing|distribution)?,? ?(?:and|&)? ?(?:general|administrative)(?:,? (?:and|&) administrative)?(?:,? and other)?(?: expenses?| costs?)?(?: ?\(.*\)|, .*)?$", r"^(?:total )?(?:marketing|selling),? (?:general )?(?:and|&) administrative(?: expenses?)?.*$", r"^selling, general.*$", r"^operating, selling, (?:general and )?administrative.*$"], avoid=_MONEY_ONLY),
    _measure("da", "depreciation and amortization", FLOW, CASHFLOW, "d&a|depreciation and amortization|depreciation & amortization|depreciation, amortization|depreciation and amortisation|depreciation and amortization expense|depreciation|depreciation, depletion and amortization",
        labels=[r"^(?:total )?depreciation,? (?:depletion,? )?(?:and|&) amorti[sz]ation(?: expenses?)?.*$", r"^(?:total )?depreciation,? (?:depletion,? )?amorti[sz]ation,? .*$", r"^amorti[sz]ation and depreciation.*$", r"^depreciation/amortization.*$", r"^depreciation(?: expense)?(?: and other.*)?$"], avoid=_MONEY_ONLY + r"|accumulated|excluding|less|of debt|deferred"),
    _measure("sbc", "stock-based compensation", FLOW, CASHFLOW, "sbc|sbc expense|stock-based compensation|share-based compensation|stock-based compensation expense|share-based compensation expense|stock compensation|equity compensation|stock-based comp|equity-based compensation",
        labels=[r"^(?:total )?(?:share|stock|equity)[- ]based (?:compensation|payments?)(?: expenses?| costs?)?(?:,? .*)?$", r"^(?:share|stock|equity|unit|incentive) compensation(?: expense)?$", r"^(?:non-?cash )?(?:stock|equity|share).*compensation.*$", r"^compensation (?:expense )?(?:on|for|from|related to) .*(?:stock|share|equity).*$"], avoid=_MONEY_ONLY + "|tax|excess|withh|accrued|settled|liabilit"),
    _measure("interest", "interest expense", FLOW, INCOME, "interest expense|interest expenses|interest charges|net interest expense|interest expense, net",
        labels=[r"^(?:total )?interest expenses?$", r"^interest expenses?,? .*$", r"^interest (?:and (?:other )?(?:debt|financing) (?:expense|costs)|charges|cost).*$"], avoid=_MONEY_ONLY + r"|\bpaid\b|deposits|^capitalized|capitalized interest|interest capitalized|leases?\b", outflow=True),
    _measure("intinc", "interest income", FLOW, INCOME, "interest income|interest and investment income", labels=[r"^interest income$", r"^interest (?:and (?:dividend|investment|other)) income.*$", r"^interest income.*$"], avoid=_MONEY_ONLY),
    _measure("capex", "capital expenditure", FLOW, CASHFLOW, "capex|capital expenditure|capital expenditures|capital spending|cash paid for property, plant and equipment|purchases of property, plant and equipment|purchases of property and equipment|capital investment|capital investments|purchase of property, plant and equipment|additions to property, plant and equipment|spending on property, plant and equipment|capital outlays|cash capex|payments for property, plant and equipment|acquisition of property and equipment",
        labels=[r"^(?:payments?|purchases?|additions?|acquisitions?|investments?|expenditures?|cash paid|cash (?:payments|expenditures)|cost of additions)\b.*\b" + _PPE + r"\b.*$", r"^(?:total )?(?:cash )?capital (?:expenditures?|investments?|spending|additions|projects)\b.*$", r"^" + _PPE + r".* (?:additions|purchases|acquired|expenditures)\b.*$"],
        avoid=_MONEY_ONLY + r"|proceeds|\bsales? of|incurred|accrued|non-?cash|unpaid|accounts payable|not yet paid|change in|\bpurchase price|businesses|included in|(?<!other )intangible assets$", outflow=True),
    _measure("cfo", "net cash provided by operating activities", FLOW, CASHFLOW, "operating cash flow|cash flow from operations|net cash provided by operating activities|net cash from operating activities|cfo|cash from operations|cash flow from operating activities|operating cash flows|cash provided by operating activities|cash generated by operating activities|cash flows from operations",
        labels=[r"^(?:total )?net cash (?:flows? )?\(?(?:provided|used|generated|from|flow|\().*operati(?:ng|ons).*$", r"^(?:total )?cash (?:flows? )?\(?(?:provided|used|generated|from|flows?)\b.*operati(?:ng|ons).*$", r"^net operating cash flows?.*$"], avoid=_MONEY_ONLY + r"|adjustments?|reconcil|discontinued|leases?\b|free|changes? in|effect|before"),
    _measure("cfi", "net cash from investing activities", FLOW, CASHFLOW, "investing cash flow|cash flow from investing|net cash from investing activities|net cash used in investing activities|cash used in investing activities|cash flow from investing activities|cfi|net cash used for investing activities|net cash provided by investing activities|cash flows from investing",
        labels=[r"^(?:total )?net cash (?:flows? )?\(?(?:provided|used|generated|from|flow|\().*investing.*$", r"^(?:total )?(?:net )?cash (?:flows? )?\(?(?:provided|used|generated|from|flows?)\b.*investing.*$", r"^net investing cash flows?.*$"], avoid=_MONEY_ONLY + "|adjustments?|discontinued|leases?\\b|operating activities"),
    _measure("cff", "net cash from financing activities", FLOW, CASHFLOW, "financing cash flow|cash flow from financing|net cash from financing activities|net cash used in financing activities|cash used in financing activities|cash flow from financing activities|cff|net cash used for financing activities|net cash provided by financing activities|cash flows from financing",
        labels=[r"^(?:total )?net cash (?:flows? )?\(?(?:provided|used|generated|from|flow|\().*financing.*$", r"^(?:total )?(?:net )?cash (?:flows? )?\(?(?:provided|used|generated|from|flows?)\b.*financing.*$", r"^net financing cash flows?.*$"], avoid=_MONEY_ONLY + "|adjustments?|discontinued|leases?\\b|operating activities|investing activities"),
    _measure("div", "dividends paid", FLOW, CASHFLOW, "dividends paid|cash dividends paid|dividends|cash dividends|dividend payments|payments of dividends|dividend payment|common dividends paid|total dividends paid|dividends paid to shareholders",
        labels=[r"^(?:payments?|payouts?) (?:of|for) (?:cash |common |common stock )?dividends?.*$", r"^(?:cash |common |common stock |regular )*dividends?(?:(?: and|/).*dividend.*)? paid.*$", r"^(?:cash )?dividends?(?:,? (?:to|on|-) ?.*)?$", r"^(?:cash |common |common stock |preferred )*dividends?(?: .*)?$"], avoid=_MONEY_ONLY + "|declared|received|proceeds|payable|" + _NCI + "|subsidiar|unpaid|income|accrued|yield|equivalents? paid|reinvest|from equity", outflow=True),
    _measure("buyback", "share repurchases", FLOW, CASHFLOW, "share buybacks|buybacks|stock buybacks|share repurchases|stock repurchases|cash spent on stock repurchases|repurchases of common stock|repurchase of common stock|treasury stock purchases|stock buyback|share buyback|cash spent on share repurchases|cash spent on buybacks|purchases of treasury stock|share repurchase|cash used for share repurchases",
        labels=[r"^(?:payments? (?:for|of|to) )?(?:the )?(?:repurchases?|purchases?|acquisitions?|buybacks?|re-?acquisitions?|repurchased)\b.*(?:common (?:stock|shares|units)|treasury|own shares|capital stock|company stock|class [ab]).*$", r"^(?:common |treasury )?(?:share|stock) (?:re)?purchases?.*$", r"^(?:common |treasury )(?:share|stock)s?,? (?:re)?(?:purchased|acquired).*$", r"^(?:payments? (?:for|of|to) )?(?:repurchases?|purchases?|buybacks?|acquire|acquisitions?)\b.*\b(?:shares|stock|equity)\b.*$"], avoid=_MONEY_ONLY + r"|proceeds|tax|issuance|withh|excise|remaining|average|accrued|option|investments?|securities|employee|businesses|non-?marketable|liability|exercise|equity method", outflow=True),
    _measure("debtiss", "proceeds from debt", FLOW, CASHFLOW, "debt issued|proceeds from debt|proceeds from issuance of debt|debt issuance|proceeds from long-term debt|new borrowings|proceeds from issuance of long-term debt", labels=[r"^proceeds from (?:the )?(?:issuances? of )?(?:long-term |term |senior |new )?(?:debt|notes|borrowings).*$", r"^(?:issuances?|additions?) (?:of|to) (?:long-term |term )?debt.*$", r"^(?:long-term )?debt issued.*$"], avoid=_MONEY_ONLY),
    _measure("debtrep", "repayment of debt", FLOW, CASHFLOW, "debt repaid|repayment of debt|repayments of debt|debt repayment|debt repayments|repayments of long-term debt", labels=[r"^(?:principal )?(?:repayments?|payments?|reductions?|retirements?) (?:of|on|for) (?:long-term |term )?debt.*$", r"^(?:long-term )?debt repaid.*$", r"^payments of (?:debt|borrowings|notes).*$", r"^repayments? .*(?:debt|borrowings|notes).*$"], avoid=_MONEY_ONLY + "|costs|fees", outflow=True),
    _measure("cash", "cash and cash equivalents", STOCK, BALANCE, "cash|cash and cash equivalents|cash and equivalents|cash balance|year-end cash balance|year-end cash|cash & cash equivalents|cash position|ending cash balance|cash on hand|cash and equivalents balance",
        labels=[r"^(?:total )?cash and (?:cash )?equivalents?(?:,? at (?:fair|carrying) value)?$", r"^cash$", r"^cash,? and (?:cash )?equivalents?,? (?:at |- )?(?:the )?end of.*$", r"^cash, cash equivalents,? (?:and )?restricted cash.*end of.*$", r"^cash and cash equivalents and restricted cash.*end of.*$", r"^cash and due from banks.*$"], avoid=_MONEY_ONLY + r"|increase|decrease|beginning|restricted cash(?! and)|interest"),
    _measure("sti", "short-term investments", STOCK, BALANCE, "short-term investments|marketable securities|current marketable securities|short-term marketable securities", labels=[r"^(?:total )?short-term (?:investments|marketable securities).*$", r"^(?:current )?marketable securities.*$"], avoid=_MONEY_ONLY + "|purchases|proceeds|sales|maturit", section_first=r"^current assets"),
    _measure("ar", "accounts receivable", STOCK, BALANCE, "accounts receivable|trade receivables|receivables|trade receivables, net|accounts receivable, net|receivables, net|net receivables|trade accounts receivable|customer receivables|year-end receivables|net trade receivables|trade debtors",
        labels=[r"^(?:total )?(?:trade )?accounts (?:and notes |and other )?receivables?\b.*$", r"^(?:customer|trade) (?:accounts )?(?:and (?:other|notes) )?receivables?.*$", r"^(?:net )?receivables?(?:,? net)?.*$", r"^(?:billed|total) receivables?.*$", r"^.*receivables?, net.*$"], avoid=_MONEY_ONLY + r"|change|increase|decrease|vendor|non-?trade|income tax|allowances? for doubtful accounts$|financing|loans|unbilled|deferred|gross|related part"),
    _measure("inv", "inventory", STOCK, BALANCE, "inventory|inventories|inventories, net|merchandise inventories|inventory balance|total inventories|year-end inventory|merchandise inventory|stock on hand|inventory, net", labels=[r"^(?:total |net )?(?:merchandise )?inventor(?:y|ies)(?:,? net)?(?: of.*| \(.*\)|, .*)?$", r"^(?:total )?inventor(?:y|ies).*$"], avoid=_MONEY_ONLY + r"|change|increase|decrease|reserve|deferred|step|write|provision|purchase"),
    _measure("ca", "total current assets", STOCK, BALANCE, "current assets|total current assets", labels=[r"^total current assets$", r"^current assets,? total$"], avoid="other|non-?current"),
    _measure("cl", "total current liabilities", STOCK, BALANCE, "current liabilities|total current liabilities", labels=[r"^total current liabilities$", r"^current liabilities,? total$"], avoid="other|non-?current"),
    _measure("assets", "total assets", STOCK, BALANCE, "total assets|assets", labels=[r"^total (?:consolidated )?assets$", r"^assets,? total$"], avoid=""),
    _measure("liab", "total liabilities", STOCK, BALANCE, "total liabilities|liabilities", labels=[r"^total (?:consolidated )?liabilities$", r"^liabilities,? total$"], avoid="and|current"),
    _measure("ppe", "property, plant and equipment, net", STOCK, BALANCE, "net pp&e|pp&e|net ppne|ppne|property, plant and equipment, net|net property, plant and equipment|property and equipment, net|net fixed assets|fixed assets|pp&e, net|net property and equipment|property, plant & equipment|net ppe|property, plant and equipment|property and equipment",
        labels=[r"^(?:total )?(?:property|plant|land|premises)(?!.*(?:lease|right)).*(?:-|,) ?net\b.*$", r"^(?:total )?(?:property|plant|land|premises)\b.*(?:-|,) ?net\b.*$", r"^(?:total )?net (?:investment in )?(?:property|properties|premises|plant)\b.*$", r"^(?:total )?(?:property|properties|premises),? (?:plant,? )?(?:and|&) equipment,? (?:at cost, )?(?:net|less accum).*$", r"^properties,? net.*$", r"^(?:total )?(?:property|premises)(?:, plant,?)? and equipment$"], avoid=_MONEY_ONLY + r"|purchase|proceeds|gross|sale|accrued|payable|(?<!accumulated )depreciation of|finance lease|change"),
    _measure("goodwill", "goodwill", STOCK, BALANCE, "goodwill|goodwill balance", labels=[r"^goodwill(?:,? net)?$", r"^goodwill\b.*$"], avoid=_MONEY_ONLY + "|intangible|impair|acquired|deduct|amortiz|deferred"),
    _measure("intang", "intangible assets", STOCK, BALANCE, "intangible assets|intangibles|intangible assets, net|other intangible assets|intangibles, net|other intangibles, net|net intangible assets", labels=[r"^(?:total )?(?:other |identifiable |acquired |purchased |net )*intangible(?: assets|s)(?:,? .*)?$", r"^(?:total )?.*intangible assets,? net.*$"], avoid=_MONEY_ONLY + "|goodwill and|amortization|purchase|acqui(?:sition|red in)|impair|accumulated|deferred"),
    _measure("ap", "accounts payable", STOCK, BALANCE, "accounts payable|trade payables|payables|trade accounts payable|year-end payables|trade creditors|accounts payable, trade", labels=[r"^(?:total )?(?:trade )?accounts payable(?:,? trade| - trade| to vendors)?$", r"^trade (?:accounts )?payables?$", r"^accounts payable\b.*$", r"^accounts and (?:construction|notes|drafts|other) payables?\b.*$", r"^(?:trade )?payables?(?: and .*)?$"], avoid=_MONEY_ONLY + r"|change|increase|decrease|related part|capital|property|income tax|in accounts"),
    _measure("std", "short-term debt", STOCK, BALANCE, "short-term debt|short-term borrowings|current borrowings|notes payable|current debt|debt due within one year|current portion of long-term debt|current portion of debt", labels=[r"^(?:total )?(?:short-term|current) (?:debt|borrowings|portion of (?:long-term |term |finance )?(?:debt|borrowings|notes)).*$", r"^debt due within one year.*$", r"^(?:current (?:maturities|installments) of).*$", r"^loans and notes payable$", r"^term debt$", r"^notes payable.*$", r"^commercial paper$"], avoid=_MONEY_ONLY + "|proceeds|repayment|change|lease", section_first=r"^current liabilit"),
    _measure("ltd", "long-term debt", STOCK, BALANCE, "long-term debt|long term debt|non-current borrowings|noncurrent borrowings|long-term borrowings|non-current debt|noncurrent debt|long-term debt, net|debt due after one year|long-term debt, net of current portion|long-term notes", labels=[r"^(?:total )?(?:long-term|non-?current) (?:debt|borrowings|notes)(?:,? (?:net|less|excluding|non-?current|due).*)?$", r"^(?:long-term |term )?debt,? (?:non-?current|net of current.*|due after one year|excluding current.*|less current.*|long-term).*$", r"^(?:long-term (?:debt|borrowings|obligations)).*$", r"^(?:term debt|debt|notes payable|senior notes,? net)$", r"^debt and finance leases, net of current portion$"], avoid=_MONEY_ONLY + r"|proceeds|repayment|issuance|current portion of|current maturities|fair value|change|payments|interest|due within", section_first=r"^(?:non-?current|long-term) liabilit"),
    _measure("eq", "shareholders' equity", STOCK, BALANCE, "shareholders' equity|stockholders' equity|total stockholders' equity|total shareholders' equity|equity|total equity|book value of equity|book equity|shareholder equity|shareowners' equity|stockholder equity|net assets|book value",
        labels=[r"^(?:total )?(?:common )?" + _OWNERS + r" (?:equity|investment)(?: ?\(deficit\)|/\(deficit\)| \(deficiency\))?$", r"^(?:total )?(?:common )?" + _OWNERS + r" (?:\(deficit\)|deficit|equity ?/? ?\(?deficit\)?) ?(?:equity)?$", r"^(?:total )?(?:.* )?equity attributable to (?!.*(?:" + _NCI + r")).*$", r"^total .*(?:company|corporation|inc\.?|co\.?|group|plc)[,.']* ?s? ?(?:" + _OWNERS + r" )?equity$", r"^total (?!liabilities).*" + _OWNERS + r" equity(?:,? (?:beginning|ending) balances?)?$", r"^(?:total )?equity$", r"^" + _OWNERS + r" equity.*$"], avoid=_MONEY_ONLY + r"|liabilities and|temporary|method|redeemable.* and", rollforward=True),
    _measure("retained", "retained earnings", STOCK, BALANCE, "retained earnings|accumulated earnings|retained earnings (deficit)|accumulated deficit|reinvested earnings", labels=[r"^(?:retained|reinvested) earnings.*$", r"^(?:accumulated|retained) (?:deficit|\(deficit\)).*$", r"^(?:accumulated )?(?:deficit|earnings).*$", r"^earnings (?:reinvested|retained).*$"], avoid=_MONEY_ONLY + "|impact|adoption|appropriat|cumulative"),
    _measure("deferredrev", "deferred revenue", STOCK, BALANCE, "deferred revenue|unearned revenue|contract liabilities|deferred income", labels=[r"^(?:total )?(?:current |short-term )?(?:deferred|unearned) (?:revenues?|income)(?:,? .*)?$", r"^contract liabilities.*$"], avoid=_MONEY_ONLY + r"|change|increase|decrease|recogni|tax|assets", section_first=r"^current liabilit"),
)  # fmt: skip

STRICT = frozenset(
    {"revenue", "cogs", "gross", "opinc", "pretax", "ni", "assets", "liab", "ca", "cl", "eq", "cfo", "cfi", "cff"}
)
"""Headline lines: where the primary statements cover the period, nothing else may stand for them."""

BY_KEY = {measure.key: measure for measure in MEASURES}
_BY_WORDING: dict[str, Measure] = {}
for _one in MEASURES:
    for _wording in (_one.name, *_one.wordings):
        _BY_WORDING.setdefault(label_key(_wording), _one)
_FILLER = re.compile(
    r"^(?:the |its |their |our |unadjusted |gaap |net amount of |(?:the )?company'?s? |reported |annual |quarterly |consolidated |full[- ]year |year[- ]end |fiscal[- ]year |total amount of |amount of |level of |value of |figure for |balance of |amounts? (?:for|of) )+|(?: (?:amount|figure|value|balance|number|level|reported|in dollars|in total|at year[- ]end|at the end of the year|expense line|line item|in millions|in thousands|in billions|in usd))+$"
)


def measure_of(phrase: str) -> Measure | None:
    """The measure that an analyst's phrase names, or None."""
    key = label_key(phrase)
    found = _BY_WORDING.get(key)
    if found is not None:
        return found
    bare = phrase.lower()
    while True:
        shorter = _FILLER.sub("", bare).strip()
        if shorter == bare:
            break
        bare = shorter
        found = _BY_WORDING.get(label_key(bare))
        if found is not None:
            return found
    return None


def wordings() -> list[str]:
    """Every wording, longest first, for definitions that name measures inside a sentence."""
    return sorted({wording for measure in MEASURES for wording in measure.wordings}, key=len, reverse=True)
