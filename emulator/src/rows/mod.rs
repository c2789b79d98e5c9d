//! CRM rows. Generated rows are computed when they are read; imported ones are held as packed text; what calls
//! change lies over both. A million rows cost nothing until they are asked for.

mod cell;
mod collection;
mod company;
mod contact;
mod deal;
mod event_log;
mod field;
mod follow_up;
mod generator;
mod ids;
mod import;
pub(crate) mod item;
mod lead;
mod person;
mod table;
mod task;
mod words;

pub(crate) use cell::{Cell, Kind, merge_channels, parse_money};
pub(crate) use field::Field;
use generator::table_seed;
pub(crate) use generator::{hash_text, mix};
pub(crate) use table::{Changes, Row, Table, TableCopy, View};

use crate::config::{Config, Entity};
use crate::emulator::StartError;

/// What a stage means: `P` in progress, `S` success, `F` failure.
pub(crate) fn stage_semantic(entity: Entity, stage: &str) -> &'static str {
    if entity == Entity::Lead { lead::semantic(stage) } else { deal::semantic(stage) }
}

/// The state of all tables, kept.
pub(crate) type TablesCopy = [TableCopy; Entity::ALL.len()];

/// The rows of all entities.
pub(crate) struct Tables {
    entities: [Table; Entity::ALL.len()],
    pub(crate) event_log: Table,
    pub(crate) follow_ups: Table,
    pub(crate) collections: Table,
}

impl Tables {
    /// Reads the data files; generated tables need nothing read.
    pub(crate) fn load(config: &Config) -> Result<Self, StartError> {
        let [lead, deal, contact, company, task] = Entity::ALL;
        let load = |entity| Table::load(config, entity);
        let entities = [load(lead)?, load(deal)?, load(contact)?, load(company)?, load(task)?];
        let fixed = |name, fields, rows| Table::fixed(config, name, fields, rows);
        Ok(Self {
            entities,
            event_log: fixed("event_log", event_log::FIELDS, event_log::ROWS),
            follow_ups: fixed("follow_up", follow_up::FIELDS, follow_up::ROWS),
            collections: fixed("collection", collection::FIELDS, collection::ROWS),
        })
    }

    pub(crate) fn get(&self, entity: Entity) -> &Table {
        let [leads, deals, contacts, companies, tasks] = &self.entities;
        match entity {
            Entity::Lead => leads,
            Entity::Deal => deals,
            Entity::Contact => contacts,
            Entity::Company => companies,
            Entity::Task => tasks,
        }
    }

    /// Other generated rows, from another seed.
    pub(crate) fn reseed(&self, seed: u64) {
        for (table, entity) in self.entities.iter().zip(Entity::ALL) {
            table.reseed(table_seed(seed, entity.name()));
        }
    }

    /// All tables as they stand, for a snapshot.
    pub(crate) fn copy(&self) -> TablesCopy {
        self.entities.each_ref().map(Table::copy)
    }

    pub(crate) fn restore(&self, kept: &TablesCopy) {
        self.entities.iter().zip(kept).for_each(|(table, kept)| table.restore(kept));
    }

    /// Forgets all changes.
    pub(crate) fn reset(&self) {
        self.entities.iter().for_each(Table::reset);
    }
}
