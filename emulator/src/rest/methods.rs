//! The method table. Names below `api/` belong to REST 3.0 and are found only there.

use super::Operation::{Add, Delete, Fields, Get, List, Update};
use super::{Handler, Method, Operation, Run};
use super::{batch, common, department, disk, im, notify, option, paged, status, task, user, v3};
use crate::config::Entity::{self, Company, Contact, Deal, Lead};
use crate::events::methods as event;
use crate::offline::methods as offline;

/// What REST 3.0 methods are called in the table.
pub(crate) const V3: &str = "api/";

const fn open(name: &'static str, handler: Handler) -> Method {
    Method { name, scope: None, run: Run::Plain(handler) }
}

const fn scoped(scope: &'static str, name: &'static str, handler: Handler) -> Method {
    Method { name, scope: Some(scope), run: Run::Plain(handler) }
}

const fn crm(name: &'static str, entity: Entity, operation: Operation) -> Method {
    Method { name, scope: Some("crm"), run: Run::Crm(entity, operation) }
}

const fn item(name: &'static str, operation: Operation) -> Method {
    Method { name, scope: Some("crm"), run: Run::Item(operation) }
}

/// All methods, sorted by name.
#[rustfmt::skip] // One method, one line.
pub(crate) static METHODS: &[Method] = &[
    open("access.name", user::access_name),
    open("api/batch", v3::nothing),
    scoped("call", "api/call.followup.list", v3::follow_up::list),
    open("api/documentation", v3::openapi),
    scoped("main", "api/main.eventlog.aggregate", v3::event_log::aggregate),
    scoped("main", "api/main.eventlog.field.get", v3::event_log::field_get),
    scoped("main", "api/main.eventlog.field.list", v3::event_log::field_list),
    scoped("main", "api/main.eventlog.get", v3::event_log::get),
    scoped("main", "api/main.eventlog.list", v3::event_log::list),
    scoped("main", "api/main.eventlog.tail", v3::event_log::tail),
    scoped("note", "api/note.collection.list", v3::collection::list),
    open("api/rest.documentation.openapi", v3::openapi),
    open("api/rest.scope.list", v3::scopes),
    open("api/scopes", v3::scopes),
    scoped("tasks", "api/tasks.task.add", v3::task::add),
    scoped("tasks", "api/tasks.task.delete", v3::task::delete),
    scoped("tasks", "api/tasks.task.field.get", v3::task::field_get),
    scoped("tasks", "api/tasks.task.field.list", v3::task::field_list),
    scoped("tasks", "api/tasks.task.get", v3::task::get),
    scoped("tasks", "api/tasks.task.list", v3::task::list),
    scoped("tasks", "api/tasks.task.update", v3::task::update),
    open("app.info", common::app_info),
    open("app.option.get", option::get),
    open("app.option.set", option::set),
    open("batch", batch::run),
    scoped("biconnector", "biconnector.source.list", paged::sources),
    crm("crm.company.add", Company, Add),
    crm("crm.company.delete", Company, Delete),
    crm("crm.company.fields", Company, Fields),
    crm("crm.company.get", Company, Get),
    crm("crm.company.list", Company, List),
    crm("crm.company.update", Company, Update),
    crm("crm.contact.add", Contact, Add),
    crm("crm.contact.delete", Contact, Delete),
    crm("crm.contact.fields", Contact, Fields),
    crm("crm.contact.get", Contact, Get),
    crm("crm.contact.list", Contact, List),
    crm("crm.contact.update", Contact, Update),
    crm("crm.deal.add", Deal, Add),
    crm("crm.deal.delete", Deal, Delete),
    crm("crm.deal.fields", Deal, Fields),
    crm("crm.deal.get", Deal, Get),
    crm("crm.deal.list", Deal, List),
    crm("crm.deal.update", Deal, Update),
    item("crm.item.add", Add),
    item("crm.item.delete", Delete),
    item("crm.item.fields", Fields),
    item("crm.item.get", Get),
    item("crm.item.list", List),
    item("crm.item.update", Update),
    crm("crm.lead.add", Lead, Add),
    crm("crm.lead.delete", Lead, Delete),
    crm("crm.lead.fields", Lead, Fields),
    crm("crm.lead.get", Lead, Get),
    crm("crm.lead.list", Lead, List),
    crm("crm.lead.update", Lead, Update),
    scoped("crm", "crm.status.entity.items", status::entity_items),
    scoped("crm", "crm.status.list", status::list),
    scoped("department", "department.fields", department::fields),
    scoped("department", "department.get", department::get),
    scoped("disk", "disk.file.delete", disk::file_delete),
    scoped("disk", "disk.file.get", disk::file_get),
    scoped("disk", "disk.file.search", paged::disk_search),
    scoped("disk", "disk.folder.get", disk::folder_get),
    scoped("disk", "disk.folder.getchildren", disk::folder_children),
    scoped("disk", "disk.folder.uploadfile", disk::folder_upload),
    scoped("disk", "disk.storage.get", disk::storage_get),
    scoped("disk", "disk.storage.getlist", disk::storage_list),
    scoped("disk", "disk.storage.uploadfile", disk::storage_upload),
    open("download", disk::download),
    open("event.bind", event::bind),
    open("event.get", event::get),
    open("event.offline.clear", offline::clear),
    open("event.offline.error", offline::error),
    open("event.offline.get", offline::get),
    open("event.offline.list", offline::list),
    open("event.test", event::test),
    open("event.unbind", event::unbind),
    open("events", event::list),
    open("feature.get", common::feature_get),
    scoped("im", "im.department.colleagues.list", im::colleagues),
    scoped("im", "im.dialog.messages.get", im::messages),
    scoped("im", "im.message.add", im::add),
    scoped("im", "im.notify", notify::notify),
    scoped("im", "im.notify.get", notify::get),
    scoped("im", "im.notify.personal.add", notify::personal),
    scoped("im", "im.notify.system.add", notify::system),
    scoped("im", "im.recent.list", im::recent),
    scoped("log", "log.blogpost.get", paged::posts),
    open("method.get", common::method_get),
    open("methods", common::methods),
    open("profile", common::profile),
    open("scope", common::scope),
    open("server.time", common::server_time),
    scoped("task", "task.elapseditem.getlist", paged::elapsed),
    scoped("task", "task.item.list", paged::tasks),
    scoped("task", "tasks.flow.Flow.get", task::flow_get),
    scoped("task", "tasks.task.add", task::add),
    scoped("task", "tasks.task.delete", task::delete),
    scoped("task", "tasks.task.get", task::get),
    scoped("task", "tasks.task.getFields", task::fields),
    scoped("task", "tasks.task.list", task::list),
    scoped("task", "tasks.task.update", task::update),
    open("upload", disk::upload),
    open("user.access", user::access),
    open("user.admin", user::admin),
    scoped("user", "user.current", user::current),
    scoped("user", "user.get", user::get),
    scoped("user", "user.search", user::search),
];

fn search(name: &str) -> Option<usize> {
    METHODS.binary_search_by(|method| method.name.cmp(name)).ok()
}

/// Index of a method: first in lower case, then as it was written, because some names have capitals.
pub(crate) fn find(name: &str) -> Option<usize> {
    if name.starts_with(V3) {
        return None;
    }
    // Nearly all names arrive in lower case: then one look is enough.
    if !name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return search(name);
    }
    search(&name.to_ascii_lowercase()).or_else(|| search(name))
}

/// Index of a REST 3.0 method; these names are exact.
pub(crate) fn find_v3(name: &str) -> Option<usize> {
    search(&format!("{V3}{name}"))
}

/// The methods of the older generation.
pub(super) fn classic() -> impl Iterator<Item = &'static Method> {
    METHODS.iter().filter(|method| !method.name.starts_with(V3))
}

/// REST 3.0 methods with their public names.
pub(super) fn modern() -> impl Iterator<Item = (&'static str, &'static Method)> {
    METHODS.iter().filter_map(|method| Some((method.name.strip_prefix(V3)?, method)))
}

#[cfg(test)]
mod tests {
    use super::{METHODS, find, find_v3};

    #[test]
    fn the_table_is_sorted_because_it_is_searched_by_halves() {
        assert!(METHODS.is_sorted_by_key(|method| method.name));
    }

    #[test]
    fn a_name_is_tried_in_lower_case_and_then_as_it_is() {
        assert!(find("CRM.Lead.GET").is_some());
        assert_eq!(find("disk.folder.uploadFile"), find("disk.folder.uploadfile"));
        assert!(find("tasks.flow.Flow.get").is_some());
        assert_eq!(find("tasks.flow.flow.get"), None, "a name with capitals is exact");
        assert_eq!(find("api/tasks.task.get"), None);
        assert!(find_v3("tasks.task.get").is_some() && find_v3("Tasks.task.get").is_none());
    }
}
