//! Lists that turn their pages in ways of their own; each way once.

use serde_json::{Map, Value, json};

use super::common::answer;
use super::disk;
use super::filter::{self, Filter};
use super::find::{Found, PAGE, Query, find};
use super::list::{Start, is_descending, selected};
use super::small::{self, arranged};
use super::{Call, Page, RestError, task};
use crate::clock;
use crate::params::{integer, scalar};
use crate::rows::Table;

/// The farthest that a search goes.
const FARTHEST: usize = 1000;
/// Default and greatest `LIMIT` of posts.
const POSTS: (usize, usize) = (50, 200);
/// How many posts and sources there are: three pages, the last one short.
const MADE: u64 = 120;

/// `disk.file.search`: a free offset, `next`, and no total. Names are searched, not what is in the files.
pub(super) fn disk_search(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let bad = |code: &str, what: &str| {
        RestError::new(400, code, &format!("Search {what} is invalid. ({code})."))
    };
    let given = call.params.get("query").and_then(scalar).unwrap_or_default();
    let query = given.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    if !(3..=255).contains(&query.chars().count()) {
        return Err(bad("INVALID_QUERY", "query"));
    }
    let kind = call.params.get("type").and_then(scalar).unwrap_or_else(|| "file".to_owned());
    let within = match call.params.get("filter") {
        Some(Value::Object(filter)) => filter.clone(),
        _ => Map::new(),
    };
    if within.keys().any(|name| !matches!(name.as_str(), "STORAGE_ID" | "FOLDER_ID")) {
        return Err(bad("INVALID_FILTER", "filter"));
    }
    let id = |name: &str| within.get(name).map(|id| u64::try_from(integer(id)).unwrap_or(0));
    let rows = disk::named(call, &query, &kind, id("STORAGE_ID"), id("FOLDER_ID"));
    let skip = call.params.get("start").map_or(0, integer);
    let skip = usize::try_from(skip).unwrap_or(0).min(FARTHEST);
    let total = rows.len();
    let page: Vec<Value> = rows.into_iter().skip(skip).take(PAGE).collect();
    let next = Start::next(skip + page.len(), total).filter(|_| !page.is_empty());
    answer(out, &page.into());
    Ok(Page { next, ..Page::default() })
}

/// What the legacy methods of tasks take: named, or as numbered arguments in this order.
struct Asked<'a> {
    order: Option<&'a Value>,
    filter: Option<&'a Value>,
    params: Option<&'a Value>,
    select: Option<&'a Value>,
}

impl Asked<'_> {
    /// The rows of a page: `nPageSize` and `iNumPage` of `NAV_PARAMS`.
    fn find(
        &self,
        table: &Table,
        only: Option<u64>,
        column: &Column<'_>,
    ) -> Result<(Found, Page), RestError> {
        let nav = self.params.and_then(|params| params.get("NAV_PARAMS"));
        let number = |name: &str, usual: usize| {
            let given = nav.and_then(|nav| nav.get(name)).map(integer);
            given
                .and_then(|given| usize::try_from(given).ok())
                .filter(|&given| given > 0)
                .unwrap_or(usual)
        };
        let (limit, page) = (number("nPageSize", PAGE).min(PAGE), number("iNumPage", 1));
        let Filter { range, conditions } = match self.filter {
            Some(Value::Object(filter)) => filter::read(filter, table, &|name| Ok(column(name)))?,
            _ => Filter::everything(),
        };
        let range = match only {
            Some(id) => id.max(*range.start())..=id.min(*range.end()),
            None => range,
        };
        let order = match self.order {
            Some(Value::Object(order)) => order
                .iter()
                .filter_map(|(name, way)| Some((column(name)?, is_descending(way))))
                .collect(),
            _ => Vec::new(),
        };
        let skip = (page - 1).saturating_mul(limit);
        let found =
            find(&table.view(), &Query { range, conditions, order, skip, limit, counted: true });
        let after = skip.saturating_add(found.ids.len());
        let next = Start::next(after, found.total).filter(|_| !found.ids.is_empty());
        let page = Page { next, total: Some(found.total), ..Page::default() };
        Ok((found, page))
    }
}

/// The column behind a name of a filter or an order.
type Column<'a> = dyn Fn(&str) -> Option<usize> + 'a;

/// An argument by its name, or by its place.
fn argument<'a>(call: &'a Call<'_>, name: &str, at: usize) -> Option<&'a Value> {
    call.params.get(name).or_else(|| call.params.exact(&at.to_string()))
}

/// `task.item.list`: upper-case names and texts.
pub(super) fn tasks(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let asked = Asked {
        order: argument(call, "order", 0),
        filter: argument(call, "filter", 1),
        params: argument(call, "params", 2),
        select: argument(call, "select", 3),
    };
    let table = task::table(call);
    let (found, page) = asked.find(table, None, &|name| table.field(name))?;
    let names = selected(asked.select);
    let view = table.view();
    let rows: Vec<Value> = found
        .ids
        .iter()
        .filter_map(|&id| view.row(id))
        .map(|row| {
            (0..table.fields.len())
                .map(|column| (row.name(column), row.cell(column)))
                .filter(|(name, _)| *name == "ID" || names.is_empty() || names.contains(name))
                .map(|(name, cell)| (name.to_owned(), cell.classic()))
                .collect::<Map<_, _>>()
                .into()
        })
        .collect();
    answer(out, &rows.into());
    Ok(page)
}

/// `task.elapseditem.getlist`: somebody has worked an hour on every task.
pub(super) fn elapsed(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    // The task may come first, and may be left out.
    let first = call.params.exact("0").and_then(scalar);
    let shift = usize::from(first.is_some());
    let only = call.params.get("taskid").and_then(scalar).or(first);
    let asked = Asked {
        order: argument(call, "order", shift),
        filter: argument(call, "filter", shift + 1),
        select: argument(call, "select", shift + 2),
        params: argument(call, "params", shift + 3),
    };
    let table = task::table(call);
    // One record of each task, under the same id.
    let column = |name: &str| {
        table.field(match name {
            "TASK_ID" => "ID",
            "USER_ID" => "RESPONSIBLE_ID",
            name @ ("ID" | "CREATED_DATE") => name,
            _ => return None,
        })
    };
    let (found, page) = asked.find(table, only.map(|id| id.parse().unwrap_or(0)), &column)?;
    let names = selected(asked.select);
    let view = table.view();
    let cell = |row: &crate::rows::Row<'_>, name: &str| {
        table.field(name).map_or(Value::Null, |column| row.cell(column).classic())
    };
    let rows: Vec<Value> = found
        .ids
        .iter()
        .filter_map(|&id| view.row(id))
        .map(|row| {
            let (id, at) = (cell(&row, "ID"), cell(&row, "CREATED_DATE"));
            let whole = json!({
                "ID": id,
                "TASK_ID": id,
                "USER_ID": cell(&row, "RESPONSIBLE_ID"),
                "COMMENT_TEXT": "",
                "SECONDS": "3600",
                "MINUTES": "60",
                "SOURCE": "2",
                "CREATED_DATE": at,
                "DATE_START": at,
                "DATE_STOP": at,
            });
            narrowed(whole, &names)
        })
        .collect();
    answer(out, &rows.into());
    Ok(page)
}

/// The keys that were asked for; all of them if none was.
fn narrowed(row: Value, names: &[&str]) -> Value {
    match row {
        Value::Object(row) if !names.is_empty() && !names.contains(&"*") => {
            row.into_iter().filter(|(name, _)| names.contains(&name.as_str())).collect()
        }
        row => row,
    }
}

/// `biconnector.source.list`: numbered pages, and nothing says that there are more. Its errors come with status 200.
pub(super) fn sources(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    for name in ["select", "filter", "order"] {
        if call.params.get(name).is_some_and(|given| !given.is_array() && !given.is_object()) {
            let code = format!("VALIDATION_{}_TYPE", name.to_uppercase());
            let text = format!("Parameter \"{name}\" must be array.");
            return Err(RestError::new(200, &code, &text));
        }
    }
    let rows = (1..=MADE).map(|id| {
        json!({
            "id": id.to_string(),
            "title": format!("Source {id}"),
            "type": "rest",
            "code": format!("rest_{id}"),
            "description": "",
            "active": true,
            "dateCreate": "2025-03-24 07:25:59",
            "dateUpdate": "2025-03-24 07:25:59",
            "createdById": 1,
            "updatedById": 1,
            "connectorId": 1,
        })
    });
    let rows = arranged(rows.collect(), call.params.get("filter"), call.params.get("order"));
    let page = call.params.get("page").map_or(1, integer);
    let skip = usize::try_from(page - 1).unwrap_or(0).saturating_mul(PAGE);
    let names = selected(call.params.get("select"));
    let rows: Vec<Value> =
        rows.into_iter().skip(skip).take(PAGE).map(|row| narrowed(row, &names)).collect();
    Ok(answer(out, &rows.into()))
}

/// `log.blogpost.get`, newest first: classic pages, or `LIMIT` posts before `LAST_ID`, or from behind `FIRST_ID` on.
pub(super) fn posts(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let id = |name: &str| call.params.get(name).and_then(|id| u64::try_from(integer(id)).ok());
    let mut ids: Vec<u64> = match id("post_id") {
        Some(id) => (1..=MADE).filter(|&known| known == id).collect(),
        None => (1..=MADE).rev().collect(),
    };
    let (first, last) = (id("first_id"), id("last_id"));
    if first.is_none() && last.is_none() {
        return Ok(small::page(call, ids.into_iter().map(|id| post(call, id)).collect(), out));
    }
    ids.retain(|&id| first.is_none_or(|first| id > first) && last.is_none_or(|last| id < last));
    if first.is_some() {
        ids.reverse();
    }
    let limit = call.params.get("limit").map(integer);
    let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(POSTS.0);
    let page = ids.into_iter().take(limit.clamp(1, POSTS.1));
    let page: Vec<Value> = page.map(|id| post(call, id)).collect();
    Ok(answer(out, &page.into()))
}

fn post(call: &Call<'_>, id: u64) -> Value {
    let author = call.user(id % 6 + 1);
    json!({
        "ID": id.to_string(),
        "BLOG_ID": "1",
        "PUBLISH_STATUS": "P",
        "TITLE": format!("Post {id}"),
        "AUTHOR_ID": author.id.to_string(),
        "ENABLE_COMMENTS": "Y",
        "NUM_COMMENTS": "0",
        "CODE": null,
        "MICRO": "N",
        "DETAIL_TEXT": format!("Text of post {id}"),
        "DATE_PUBLISH": clock::iso(1_720_000_000 + i64::try_from(id).unwrap_or(0) * 3600),
        "CATEGORY_ID": "",
        "HAS_SOCNET_ALL": "Y",
        "HAS_TAGS": "N",
        "HAS_IMAGES": "N",
        "HAS_PROPS": "N",
        "HAS_COMMENT_IMAGES": null,
    })
}
