//! What is known of list methods: where their rows and ids are, and whether they page by id.
//!
//! Vendor documentation: "Features of list methods", "Large volumes of data", and each method's page.
//! A method that is not here is paged by offset, as every list method can be.

/// How a list method is spoken to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Family {
    /// The id's name in `filter`, `order` and `select`.
    pub(super) id: &'static str,
    /// The id's name in a row.
    pub(super) row_id: &'static str,
    /// The field of the result that holds the rows; `None` where the result is the rows.
    pub(super) rows: Option<&'static str>,
    /// Names of the parameters, where the caller has not written them otherwise.
    pub(super) filter: &'static str,
    pub(super) select: &'static str,
    pub(super) order: Order,
    /// What stands before the id in a filter by many ids.
    pub(super) any_of: &'static str,
    /// Whether it filters and orders by id without counting (`start=-1`).
    pub(super) by_id: bool,
}

/// How an order is written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Order {
    /// A parameter with a map: `order: {ID: ASC}`.
    Map(&'static str),
    /// Two parameters: `sort: ID, order: ASC`.
    Pair(&'static str, &'static str),
}

const CRM: Family = Family {
    id: "ID",
    row_id: "ID",
    rows: None,
    filter: "filter",
    select: "select",
    order: Order::Map("order"),
    any_of: "@",
    by_id: true,
};
const ITEM: Family = Family { id: "id", row_id: "id", rows: Some("items"), ..CRM };
const TASK: Family = Family { row_id: "id", rows: Some("tasks"), any_of: "", ..CRM };
const USER: Family = Family {
    filter: "FILTER",
    order: Order::Pair("SORT", "ORDER"),
    any_of: "",
    by_id: false,
    ..CRM
};
const ELEMENT: Family = Family {
    filter: "FILTER",
    select: "SELECT",
    order: Order::Map("ELEMENT_ORDER"),
    any_of: "",
    by_id: false,
    ..CRM
};

/// What is known of `method`, whose name may be written in any case.
pub(super) fn of(method: &str) -> Option<&'static Family> {
    Some(match method.to_ascii_lowercase().as_str() {
        "crm.lead.list"
        | "crm.deal.list"
        | "crm.contact.list"
        | "crm.company.list"
        | "crm.quote.list"
        | "crm.invoice.list"
        | "crm.activity.list"
        | "crm.requisite.list"
        | "crm.requisite.bankdetail.list"
        | "crm.product.list" => &CRM,
        "crm.item.list" => &ITEM,
        "tasks.task.list" => &TASK,
        "user.get" | "user.search" => &USER,
        "lists.element.get" => &ELEMENT,
        _ => return None,
    })
}

/// A method that nothing is known of is spoken to like most.
pub(super) const UNKNOWN: Family = Family { any_of: "", by_id: false, ..CRM };
