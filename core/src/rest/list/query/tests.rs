//! What pages are asked for, of what a caller asks for.

use super::*;

fn query(method: &str, params: Value) -> Query {
    let Value::Object(params) = params else { panic!() };
    Query::new(method, params, None).unwrap()
}

#[test]
fn pages_speak_as_the_caller_and_the_method_do() {
    let lead = query("crm.lead.list", json!({"FILTER": {"%TITLE": "x"}, "SELECT": ["TITLE"]}));
    assert!(lead.strip && lead.obstacle.is_none());
    assert_eq!(
        lead.behind(&After::Id(50), Some(100)),
        json!({"FILTER": {"%TITLE": "x", ">ID": 50, "<ID": 100}, "SELECT": ["TITLE", "ID"],
               "order": {"ID": "ASC"}, "start": -1})
    );
    let item = query("crm.item.list", json!({"entityTypeId": 2, "order": {"id": "desc"}}));
    assert!(!item.strip);
    assert_eq!(
        item.behind(&After::Id(50), None),
        json!({"entityTypeId": 2, "order": {"id": "DESC"}, "filter": {"<id": 50}, "start": -1})
    );
    assert_eq!(
        item.tail(&After::Nothing),
        json!({"entityTypeId": 2, "order": {"id": "ASC"}, "start": -1, "select": ["id"]})
    );
    let user = query("user.get", json!({"filter": {"ACTIVE": true}}));
    assert_eq!(
        user.at(50),
        json!({"filter": {"ACTIVE": true}, "SORT": "ID", "ORDER": "ASC", "start": 50})
    );
    assert_eq!(query("x.y.list", json!({})).at(0), json!({"start": 0}));
}

#[test]
fn a_wish_of_the_callers_stands_in_the_way_of_going_by_id() {
    for (params, obstacle) in [
        (json!({"order": {"ID": "ASC"}}), None),
        (json!({"ORDER": {"id": "DESC"}}), None),
        (json!({"order": {"DATE_CREATE": "ASC", "ID": "ASC"}}), Some("order")),
        (json!({"filter": {">=ID": 5}}), Some("filter")),
        (json!({"filter": {"id": [5]}}), Some("filter")),
        (json!({"filter": {"0": {"logic": "OR", "0": {"=id": 5}}}}), Some("filter")),
        (json!({"filter": {"COMPANY_ID": 5, "TITLE": "ID"}}), None),
        (json!({"filter": [{"logic": "OR", "0": {"STATUS_ID": "NEW"}}]}), Some("filter")),
        (json!({"filter": "STATUS_ID"}), Some("filter")),
        (json!({"filter": null}), None),
        (json!({"filter": {"@STATUS_ID": []}}), Some("params")),
        (json!({"filter": {}, "select": []}), None),
    ] {
        assert_eq!(query("crm.lead.list", params.clone()).obstacle, obstacle, "{params}");
    }
    for order in [json!("DATE"), json!(["DATE", "DESC"])] {
        assert_eq!(query("x.y.list", json!({"order": order})).obstacle, Some("order"));
    }
}

#[test]
fn an_order_is_given_once() {
    let order = || Some(Map::from_iter([("DATE_CREATE".to_owned(), json!("DESC"))]));
    let new = |method: &str, params: Value| {
        let Value::Object(params) = params else { panic!() };
        Query::new(method, params, order())
    };
    let lead = new("crm.lead.list", json!({})).unwrap();
    assert_eq!(lead.at(0), json!({"order": {"DATE_CREATE": "DESC"}, "start": 0}));
    assert_eq!(lead.obstacle, Some("order"));
    assert!(new("crm.lead.list", json!({"ORDER": {"ID": "ASC"}})).is_err());
    let user = new("user.get", json!({})).unwrap();
    assert_eq!(user.at(0), json!({"SORT": "DATE_CREATE", "ORDER": "DESC", "start": 0}));
    assert!(new("crm.lead.list", json!({"Start": 50})).is_err());
}

#[test]
fn a_direction_is_up_or_down() {
    let new = |method: &str, params: Value, order: Option<Value>| {
        let order = order.map(|order| order.as_object().cloned().unwrap());
        Query::new(method, params.as_object().cloned().unwrap(), order)
    };
    let words = ["descending", "-1", "", "ASC, DESC"].map(Value::from);
    for word in words.into_iter().chain([json!(-1), json!(true), json!(null), json!(["DESC"])]) {
        for (method, params, option) in [
            ("crm.lead.list", json!({}), Some(json!({"ID": word}))),
            ("x.y.list", json!({}), Some(json!({"ID": word}))),
            ("user.get", json!({}), Some(json!({"ID": word}))),
            ("crm.lead.list", json!({"ORDER": {"ID": word}}), None),
        ] {
            let error = new(method, params, option).err().unwrap();
            assert!(error.context().contains(&("at", "order.ID".into())), "{word}: {error}");
            assert!(error.context().contains(&("field", "order".into())), "{word}: {error}");
        }
    }
    let error = new("crm.lead.list", json!({}), Some(json!({"DATE": "up"}))).err().unwrap();
    assert!(error.context().contains(&("at", "order.DATE".into())), "{error}");
    for word in ["desc", "DESC", " Desc "] {
        let lead = new("crm.lead.list", json!({}), Some(json!({"ID": word}))).unwrap();
        assert_eq!(lead.direction, Direction::Down, "{word}");
    }
    for (method, params) in [
        ("crm.lead.list", json!({"order": "ID"})),
        ("crm.lead.list", json!({"order": ["ID", "DESC"]})),
        ("user.get", json!({"sort": ["ID"], "order": "DESC"})),
        ("user.get", json!({"SORT": "ID", "ORDER": "down"})),
    ] {
        assert!(new(method, params.clone(), None).is_err(), "{params}");
    }
    let down = new("user.get", json!({"order": "DESC"}), None).unwrap();
    assert_eq!(down.at(0), json!({"order": "DESC", "SORT": "ID", "start": 0}));
    // Another field's words are the portal's business, and another method's order.
    assert!(new("crm.lead.list", json!({"order": {"DATE": "nulls,asc"}}), None).is_ok());
    assert!(new("x.y.list", json!({"order": "ID"}), None).is_ok());
    let own = new("x.y.list", json!({"order": {"ID": "newest"}}), None).unwrap();
    assert_eq!(own.obstacle, Some("order"));
}
