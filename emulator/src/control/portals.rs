//! Portals, applications and users while the emulator runs.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Outcome;
use super::body::{Fields, Refusal};
use crate::applications::Application;
use crate::config::PortalConfig;
use crate::emulator::StartError;
use crate::http::Request;
use crate::network::Network;
use crate::portal::statistics;
use crate::tokens::Selection;
use crate::users::UserConfig;
use crate::world::World;

/// Longest list of applications.
const APPLICATIONS: usize = 1000;

pub(super) fn add(network: &Arc<Network>, request: &Request) -> Outcome {
    let portal: PortalConfig = Fields::of(request)?.read()?;
    network.add_portal(portal).map_err(|error| refusal(&error))?;
    Ok(json!(network.ready().portals))
}

/// A new address for a portal; the old one redirects.
pub(super) fn rename(network: &Arc<Network>, world: &Arc<World>, request: &Request) -> Outcome {
    let mut fields = Fields::of(request)?;
    let port = fields.integer("port", 0..=u64::from(u16::MAX))?.unwrap_or(0);
    fields.finish()?;
    let port = u16::try_from(port).unwrap_or(0);
    network.move_portal(world, port).map_err(|error| refusal(&error))?;
    Ok(json!({"portal": format!("http://{}", world.portal_host())}))
}

/// Registers an application, or changes the card of a known one: what is left out stays as it was.
pub(super) fn register(network: &Network, request: &Request) -> Outcome {
    let mut fields = Fields::of(request)?;
    let client_id =
        fields.text("client_id")?.ok_or_else(|| Refusal::field("client_id", "must be given"))?;
    let applications = &network.common.applications;
    let known = applications.get(&client_id);
    if known.is_none() && applications.all().len() >= APPLICATIONS {
        return Err(Refusal::field("client_id", "there are too many applications already"));
    }
    let known = known.as_deref().cloned().unwrap_or_else(|| Application {
        scope: network.config.scope.clone(),
        redirect_uri: network.config.redirect_uri.clone(),
        ..Application::default()
    });
    let names: Vec<&str> = ["client_secret", "redirect_uri", "scope", "portal", "status"].to_vec();
    let given: Vec<bool> = names.iter().map(|name| fields.has(name)).collect();
    let said: Application = fields.read()?;
    let given =
        |name: &str| names.iter().position(|known| *known == name).is_some_and(|at| given[at]);
    let application = Application {
        client_id,
        client_secret: if given("client_secret") {
            said.client_secret
        } else {
            known.client_secret
        },
        redirect_uri: if given("redirect_uri") { said.redirect_uri } else { known.redirect_uri },
        scope: if given("scope") { said.scope } else { known.scope },
        portal: if given("portal") { said.portal } else { known.portal },
        status: if given("status") { said.status } else { known.status },
    };
    application.check().map_err(|(field, reason)| Refusal::field(field, reason))?;
    if application.portal.is_some_and(|place| network.portal(place).is_none()) {
        return Err(Refusal::field("portal", "there is no such portal"));
    }
    network.common.redactor.learn(&application.client_secret);
    applications.put(application);
    Ok(json!(network.ready().applications))
}

/// Says something about a user.
pub(super) fn user(world: &World, request: &Request) -> Outcome {
    let user: UserConfig = Fields::of(request)?.read()?;
    user.check().map_err(|(field, reason)| Refusal::field(field, reason))?;
    if let Some(secret) = &user.webhook {
        world.redactor.learn(secret);
    }
    world.people.say(user);
    Ok(users(world))
}

/// The users that something is known of, dismissed or not.
pub(super) fn users(world: &World) -> Value {
    let users = world.people.known();
    users
        .iter()
        .map(|user| {
            json!({
                "id": user.id,
                "name": user.name,
                "last_name": user.last_name,
                "position": user.position,
                "kind": user.kind,
                "active": user.active,
                "access": user.access,
            })
        })
        .collect()
}

/// Takes an application off a portal, which ends its tokens there, or puts it back.
pub(super) fn install(world: &World, request: &Request) -> Outcome {
    let mut fields = Fields::of(request)?;
    let client_id = fields.text("client_id")?;
    let installed = fields.flag("installed")?.unwrap_or(true);
    fields.finish()?;
    let application = match &client_id {
        Some(client_id) => world.applications.get(client_id),
        None => world.applications.all().into_iter().next(),
    };
    let application = application
        .filter(|known| known.belongs_to(world.place))
        .ok_or_else(|| Refusal::field("client_id", "no such application can be on this portal"))?;
    let mut revoked = 0;
    if !installed {
        let selection = Selection {
            user_id: None,
            member_id: Some(&world.member_id),
            client_id: Some(&application.client_id),
        };
        revoked = world.tokens.write().revoke(&selection);
    }
    world.set_installed(&application.client_id, installed);
    Ok(json!({"client_id": application.client_id, "installed": installed, "revoked": revoked}))
}

/// What each client address did at each portal, and the least time in which it could be done.
pub(super) fn limits(network: &Network) -> Value {
    let portals = network.portals();
    portals
        .iter()
        .flat_map(|world| match statistics(world) {
            Value::Array(rows) => rows,
            _ => Vec::new(),
        })
        .collect()
}

fn refusal(error: &StartError) -> Refusal {
    let field = match error {
        StartError::Invalid { field, .. } | StartError::Bind { field, .. } => *field,
        _ => "data",
    };
    let text = error.to_string();
    let text = text.strip_prefix(&format!("{field}: ")).unwrap_or(&text);
    Refusal::field(field, text)
}
