//! CRM rows. Generated rows are computed when they are read; imported ones are held as packed text; what calls
//! change lies over both. A million rows cost nothing until they are asked for.

mod cell;
mod contact;
mod deal;
mod field;
mod generator;
mod import;
mod lead;
mod person;
mod table;
mod words;

pub(crate) use cell::{Cell, Kind, merge_channels, parse_money};
pub(crate) use generator::{hash_text, mix};
pub(crate) use table::{Changes, Row, Table, View};

use crate::config::{Config, Entity};
use crate::emulator::StartError;

/// What a stage means: `P` in progress, `S` success, `F` failure.
pub(crate) fn stage_semantic(entity: Entity, stage: &str) -> &'static str {
    if entity == Entity::Lead { lead::semantic(stage) } else { deal::semantic(stage) }
}

/// The rows of all entities.
pub(crate) struct Tables([Table; 3]);

impl Tables {
    /// Reads the data files; generated tables need nothing read.
    pub(crate) fn load(config: &Config) -> Result<Self, StartError> {
        let load = |entity| Table::load(config, entity);
        Ok(Self([load(Entity::Lead)?, load(Entity::Deal)?, load(Entity::Contact)?]))
    }

    pub(crate) fn get(&self, entity: Entity) -> &Table {
        let [leads, deals, contacts] = &self.0;
        match entity {
            Entity::Lead => leads,
            Entity::Deal => deals,
            Entity::Contact => contacts,
        }
    }

    /// Forgets all changes.
    pub(crate) fn reset(&self) {
        self.0.iter().for_each(Table::reset);
    }
}
