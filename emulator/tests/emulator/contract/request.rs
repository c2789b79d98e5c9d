//! The calls whose answers are compared with the examples.

use serde_json::{Value, json};

/// A call that gives an answer of the kind of an example.
pub(super) fn request(method: &str, source: &str, success: bool) -> Option<Value> {
    let v3 = is_v3(source);
    let fine = match method {
        "crm.lead.get" | "crm.company.get" => json!({"id": "FILLED"}),
        "crm.company.list" => {
            json!({"select": ["TITLE", "ASSIGNED_BY_ID", "PHONE"], "filter": {"HAS_PHONE": "Y"}})
        }
        "crm.deal.list" => {
            json!({"select": ["ID", "TITLE", "TYPE_ID", "CATEGORY_ID", "STAGE_ID", "OPPORTUNITY", "IS_MANUAL_OPPORTUNITY", "ASSIGNED_BY_ID", "DATE_CREATE"]})
        }
        "crm.lead.add" | "crm.company.add" => json!({"fields": {"TITLE": "x"}}),
        "crm.lead.update" | "crm.deal.update" | "crm.contact.update" => {
            json!({"id": 3, "fields": {"COMMENTS": "x"}})
        }
        "crm.lead.delete" => json!({"id": 4}),
        "crm.item.list" => {
            json!({"entityTypeId": 1, "select": ["id", "assignedById", "stageId", "opportunity", "sourceId", "title", "name", "lastName", "isManualOpportunity"]})
        }
        "crm.item.get" => json!({"entityTypeId": 1, "id": "FILLED"}),
        "crm.item.add" => json!({"entityTypeId": 2, "fields": {"title": "x"}}),
        "crm.item.update" => json!({"entityTypeId": 2, "id": 5, "fields": {"title": "x"}}),
        "crm.item.delete" => json!({"entityTypeId": 2, "id": 6}),
        "crm.status.list" => json!({"filter": {"ENTITY_ID": "DEAL_STAGE"}}),
        "crm.status.entity.items" => json!({"entityId": "STATUS"}),
        "tasks.task.add" if v3 => {
            json!({"fields": {"title": "x", "creatorId": 1, "responsibleId": 1}})
        }
        "tasks.task.get" if v3 => {
            json!({"id": 7, "select": TASK.iter().chain(&["responsible.name", "responsible.email"]).collect::<Vec<_>>()})
        }
        "tasks.task.update" if v3 => json!({"id": 7, "fields": {"title": "x"}}),
        "tasks.task.field.get" => json!({"name": "id"}),
        "main.eventlog.field.get" => json!({"name": "timestampX"}),
        "main.eventlog.field.list" => {
            json!({"select": ["name", "type", "title", "description", "filterable", "sortable", "multiple"]})
        }
        "main.eventlog.get" => json!({"id": 9}),
        "tasks.task.add" => json!({"fields": {"TITLE": "x", "RESPONSIBLE_ID": 1}}),
        "tasks.task.get" | "tasks.task.update" => json!({"taskId": 7, "fields": {"TITLE": "x"}}),
        "im.message.add" => json!({"DIALOG_ID": "chat1", "MESSAGE": "x"}),
        "im.notify.system.add" => json!({"USER_ID": 1, "MESSAGE": "x"}),
        "im.department.colleagues.list" if source.ends_with(":290") => {
            json!({"USER_DATA": "Y", "LIMIT": 2})
        }
        "im.department.colleagues.list" => json!({"LIMIT": 2}),
        "im.dialog.messages.get" => json!({"DIALOG_ID": "chat1"}),
        "im.notify.get" => json!({"SEEN": 1}),
        "app.option.get" if source.ends_with(":335") => json!({"option": "data"}),
        "feature.get" => json!({"CODE": "rest_auth_connector"}),
        "method.get" => json!({"name": "profile"}),
        "user.access" => json!({"ACCESS": ["AU"]}),
        "department.get" => json!({"PARENT": 1}),
        "disk.file.get" => json!({"id": "FILE"}),
        "disk.file.search" if source.ends_with(":312") => {
            json!({"QUERY": "report", "TYPE": "folder"})
        }
        "disk.file.search" => json!({"QUERY": "a.txt"}),
        "disk.folder.uploadFile" => {
            json!({"id": 9, "data": {"NAME": "a.txt"}, "fileContent": "aGVsbG8="})
        }
        "disk.storage.uploadFile" => {
            json!({"id": 3, "data": {"NAME": "a.txt"}, "fileContent": "aGVsbG8="})
        }
        "disk.folder.get" => json!({"id": 9}),
        "disk.folder.getChildren" => json!({"id": 5}),
        "disk.storage.get" => json!({"id": 1}),
        _ => json!({}),
    };
    let wrong = match method {
        "crm.item.list" => json!({"entityTypeId": 1, "filter": {"FIELD": 1}}),
        "crm.item.add" | "crm.item.update" => json!({"entityTypeId": 999, "id": 1, "fields": {}}),
        "crm.item.get" | "crm.item.delete" => json!({"entityTypeId": 1, "id": 999_999}),
        "crm.deal.list" => json!({"filter": "x"}),
        "crm.lead.get" | "crm.company.get" => json!({"id": 999_999}),
        "crm.contact.update" => json!({"id": 999_999, "fields": {}}),
        "crm.deal.update" => json!({"id": 3}),
        "crm.status.list" => json!({"filter": "x"}),
        "tasks.task.add" if v3 => json!({"fields": {"deadline": "soon"}}),
        "tasks.task.get" if v3 => json!({"id": 999_999}),
        "tasks.task.update" if v3 => json!({"id": 7, "fields": {"creatorId": 1}}),
        "tasks.task.add" => json!({"fields": {"RESPONSIBLE_ID": 1}}),
        "tasks.task.get" => json!({"taskId": 7, "select": "x"}),
        "tasks.task.update" => json!({"taskId": 7, "fields": {"PARENT_ID": 7}}),
        "tasks.task.field.list" | "main.eventlog.field.list" => json!({"select": ["unknownField"]}),
        "main.eventlog.get" => json!({"id": 999_999}),
        "main.eventlog.list" => json!({"pagination": {"limit": "x"}}),
        "im.message.add" => json!({"DIALOG_ID": "chat1"}),
        "im.notify.get" => json!({"LAST_ID": 1}),
        "disk.file.search" => json!({"QUERY": "a"}),
        "disk.folder.uploadFile" | "disk.storage.uploadFile" => json!({"id": 777}),
        "tasks.flow.Flow.get" => json!({"flowId": 1}),
        _ => json!({}),
    };
    // Not every method has an answer of the kind: no flow can be made here.
    if method == "tasks.flow.Flow.get" && success {
        return None;
    }
    Some(if success { fine } else { wrong })
}

/// The fields that the example of `tasks.task.get` has.
const TASK: [&str; 64] = [
    "id",
    "title",
    "description",
    "deadline",
    "needsControl",
    "startPlan",
    "endPlan",
    "fileIds",
    "checklist",
    "epicId",
    "storyPoints",
    "priority",
    "status",
    "statusChanged",
    "parentId",
    "containsChecklist",
    "containsSubTasks",
    "containsRelatedTasks",
    "containsGanttLinks",
    "containsPlacements",
    "containsResults",
    "numberOfReminders",
    "chatId",
    "plannedDuration",
    "actualDuration",
    "durationType",
    "started",
    "estimatedTime",
    "replicate",
    "changed",
    "closed",
    "activity",
    "guid",
    "xmlId",
    "exchangeId",
    "exchangeModified",
    "outlookVersion",
    "mark",
    "allowsChangeDeadline",
    "allowsTimeTracking",
    "matchesWorkTime",
    "addInReport",
    "isMultitask",
    "siteId",
    "deadlineCount",
    "declineReason",
    "forumTopicId",
    "link",
    "rights",
    "archiveLink",
    "crmItemIds",
    "requireResult",
    "matchesSubTasksTime",
    "autocompleteSubTasks",
    "allowsChangeDatePlan",
    "maxDeadlineChangeDate",
    "maxDeadlineChanges",
    "requireDeadlineChangeReason",
    "inFavorite",
    "inPin",
    "inGroupPin",
    "inMute",
    "dependsOn",
    "scenarios",
];

pub(super) fn is_v3(source: &str) -> bool {
    ["-rest-v3.md", "tasks-task-field-", "main-eventlog-", "note-collection-"]
        .iter()
        .any(|part| source.contains(part))
}
