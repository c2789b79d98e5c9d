//! One entity's rows: a base that never changes and an overlay of what calls did.

use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{OnceLock, RwLockReadGuard};

use super::cell::{Cell, Kind};
use super::field::Field;
use super::generator::{Related, Source, table_seed};
use super::ids::Density;
use super::import::{self, Imported};
use super::item::Shape;
use super::{company, contact, deal, lead, task};
use crate::config::{Config, Entity};
use crate::emulator::StartError;
use crate::sync::Shared;

/// New values by field index.
pub(crate) type Changes = BTreeMap<usize, Cell<'static>>;

enum Base {
    /// The seed can be another later on.
    Generated {
        seed: AtomicU64,
        count: u64,
        related: Related,
    },
    Imported(Imported),
}

impl Base {
    fn len(&self) -> usize {
        match self {
            Self::Generated { count, .. } => usize::try_from(*count).unwrap_or(usize::MAX),
            Self::Imported(rows) => rows.ids.len(),
        }
    }

    fn id_at(&self, position: usize) -> u64 {
        match self {
            Self::Generated { related, .. } => related.density.id_at(position as u64),
            Self::Imported(rows) => rows.ids[position],
        }
    }

    /// How many rows have an id below `id`.
    fn rank(&self, id: u64) -> usize {
        match self {
            Self::Generated { count, related, .. } => {
                usize::try_from(related.density.rank(id).min(*count)).unwrap_or(usize::MAX)
            }
            Self::Imported(rows) => rows.ids.partition_point(|&known| known < id),
        }
    }

    fn position(&self, id: u64) -> Option<usize> {
        let rank = self.rank(id);
        (id > 0 && rank < self.len() && self.id_at(rank) == id).then_some(rank)
    }

    fn last_id(&self) -> u64 {
        self.len().checked_sub(1).map_or(0, |last| self.id_at(last))
    }
}

fn generated(config: &Config, table: &str, count: u64) -> Base {
    let related = Related {
        contacts: config.contacts as u64,
        companies: config.companies as u64,
        density: Density::new(config.id_density),
    };
    Base::Generated { seed: AtomicU64::new(table_seed(config.seed, table)), count, related }
}

#[derive(Clone)]
enum Change {
    Deleted,
    /// Over a base row, or a whole row of its own.
    Values(Changes),
}

#[derive(Clone)]
struct Overlay {
    changes: BTreeMap<u64, Change>,
    next_id: u64,
    next_channel: u64,
}

impl Overlay {
    fn new(base: &Base) -> Self {
        // Far above the ids that generated channels have.
        Self { changes: BTreeMap::new(), next_id: base.last_id() + 1, next_channel: 1_000_000_000 }
    }
}

/// A table's state, kept.
pub(crate) struct TableCopy {
    seed: u64,
    overlay: Overlay,
}

/// The rows of one entity.
pub(crate) struct Table {
    pub(crate) fields: Vec<Field>,
    by_name: HashMap<String, usize>,
    base: Base,
    /// Of generated rows at the start.
    first_seed: u64,
    overlay: Shared<Overlay>,
    item: OnceLock<Shape>,
}

impl Table {
    pub(crate) fn load(config: &Config, entity: Entity) -> Result<Self, StartError> {
        let standard = match entity {
            Entity::Lead => lead::FIELDS,
            Entity::Deal => deal::FIELDS,
            Entity::Contact => contact::FIELDS,
            Entity::Company => company::FIELDS,
            Entity::Task => task::FIELDS,
        };
        let mut fields = standard.to_vec();
        let base = match config.data.iter().find(|file| file.entity == entity) {
            Some(file) => Base::Imported(import::read(&file.path, &mut fields)?),
            None => generated(config, entity.name(), config.rows(entity) as u64),
        };
        Ok(Self::new(fields, base))
    }

    /// A table that no call changes and no setting sizes.
    pub(crate) fn fixed(config: &Config, name: &str, fields: &[Field], rows: u64) -> Self {
        Self::new(fields.to_vec(), generated(config, name, rows))
    }

    fn new(fields: Vec<Field>, base: Base) -> Self {
        let by_name =
            fields.iter().enumerate().map(|(at, field)| (field.name.to_string(), at)).collect();
        let mut table = Self {
            fields,
            by_name,
            overlay: Shared::new(Overlay::new(&base)),
            first_seed: 0,
            base,
            item: OnceLock::new(),
        };
        table.first_seed = table.seed();
        table
    }

    /// The rows as CRM items.
    pub(crate) fn item(&self, entity: Entity) -> &Shape {
        self.item.get_or_init(|| Shape::new(entity, &self.fields))
    }

    /// Index of a field; names are upper case in the portal, whatever the caller wrote.
    pub(crate) fn field(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).or_else(|| self.by_name.get(&name.to_ascii_uppercase())).copied()
    }

    pub(crate) fn reset(&self) {
        self.reseed(self.first_seed);
    }

    /// The seed of generated rows and what calls did, for a snapshot.
    pub(crate) fn copy(&self) -> TableCopy {
        TableCopy { seed: self.seed(), overlay: self.overlay.read().clone() }
    }

    pub(crate) fn restore(&self, kept: &TableCopy) {
        let mut overlay = self.overlay.write();
        self.put_seed(kept.seed);
        *overlay = kept.overlay.clone();
    }

    /// Other generated rows; what calls did is forgotten.
    pub(crate) fn reseed(&self, seed: u64) {
        let mut overlay = self.overlay.write();
        self.put_seed(seed);
        *overlay = Overlay::new(&self.base);
    }

    fn seed(&self) -> u64 {
        match &self.base {
            Base::Generated { seed, .. } => seed.load(Ordering::Relaxed),
            Base::Imported(_) => 0,
        }
    }

    fn put_seed(&self, new: u64) {
        if let Base::Generated { seed, .. } = &self.base {
            seed.store(new, Ordering::Relaxed);
        }
    }

    /// The rows as they are now; hold it briefly.
    pub(crate) fn view(&self) -> View<'_> {
        View { table: self, overlay: self.overlay.read() }
    }

    /// Adds a row and returns its id.
    pub(crate) fn add(&self, mut values: Changes) -> u64 {
        let mut overlay = self.overlay.write();
        let id = overlay.next_id;
        overlay.next_id += 1;
        if let Some(at) = self.field("ID") {
            values.insert(at, Cell::Int(super::generator::signed(id)));
        }
        overlay.changes.insert(id, Change::Values(values));
        id
    }

    /// Changes a row; `false` if there is none.
    pub(crate) fn update(&self, id: u64, values: Changes) -> bool {
        let mut overlay = self.overlay.write();
        match overlay.changes.get_mut(&id) {
            Some(Change::Deleted) => false,
            Some(Change::Values(known)) => {
                known.extend(values);
                true
            }
            None if self.base.position(id).is_some() => {
                overlay.changes.insert(id, Change::Values(values));
                true
            }
            None => false,
        }
    }

    /// Deletes a row; `false` if there is none.
    pub(crate) fn delete(&self, id: u64) -> bool {
        let mut overlay = self.overlay.write();
        let in_base = self.base.position(id).is_some();
        match overlay.changes.get(&id) {
            Some(Change::Deleted) => return false,
            None if !in_base => return false,
            _ => {}
        }
        if in_base {
            overlay.changes.insert(id, Change::Deleted);
        } else {
            overlay.changes.remove(&id);
        }
        true
    }

    /// An id for a new phone number or the like.
    pub(crate) fn fresh_channel(&self) -> u64 {
        let mut overlay = self.overlay.write();
        overlay.next_channel += 1;
        overlay.next_channel
    }
}

/// A look at the rows, consistent for as long as it is held.
pub(crate) struct View<'t> {
    pub(crate) table: &'t Table,
    overlay: RwLockReadGuard<'t, Overlay>,
}

impl View<'_> {
    /// The row with this id, unless it is deleted.
    pub(crate) fn row(&self, id: u64) -> Option<Row<'_>> {
        let changes = match self.overlay.changes.get(&id) {
            Some(Change::Deleted) => return None,
            Some(Change::Values(values)) => Some(values),
            None => None,
        };
        let origin = match self.table.base.position(id) {
            None => Origin::None,
            Some(position) => match &self.table.base {
                Base::Generated { seed, count, related } => {
                    let last = related.density.id_at(count.saturating_sub(1));
                    Origin::Generated(Source::new(seed.load(Ordering::Relaxed), id, last, *related))
                }
                Base::Imported(rows) => Origin::Imported(rows, position),
            },
        };
        if matches!(origin, Origin::None) && changes.is_none() {
            return None;
        }
        Some(Row { table: self.table, changes, origin })
    }

    /// Ids within a range, ascending or descending.
    pub(crate) fn ids(
        &self,
        range: &RangeInclusive<u64>,
        descending: bool,
    ) -> Box<dyn Iterator<Item = u64> + '_> {
        let base = &self.table.base;
        let positions = self.positions(range);
        let changes = &self.overlay.changes;
        let untouched = changes.is_empty();
        let alive = move |id: &u64| untouched || !matches!(changes.get(id), Some(Change::Deleted));
        let added = changes.range(self.added(range)).map(|(id, _)| *id);
        if descending {
            let kept = positions.rev().map(|position| base.id_at(position)).filter(alive);
            Box::new(added.rev().chain(kept))
        } else {
            Box::new(positions.map(|position| base.id_at(position)).filter(alive).chain(added))
        }
    }

    /// How many ids there are within a range, without walking them.
    pub(crate) fn count(&self, range: &RangeInclusive<u64>) -> usize {
        let deleted = |(_, change): &(&u64, &Change)| matches!(change, Change::Deleted);
        let gone = self.overlay.changes.range(ordered(range)).filter(deleted).count();
        self.positions(range).len() + self.overlay.changes.range(self.added(range)).count() - gone
    }

    fn positions(&self, range: &RangeInclusive<u64>) -> std::ops::Range<usize> {
        let base = &self.table.base;
        let start = base.rank(*range.start());
        let end = range.end().checked_add(1).map_or(base.len(), |after| base.rank(after));
        start..end.max(start)
    }

    /// The part of a range above all base ids.
    fn added(&self, range: &RangeInclusive<u64>) -> RangeInclusive<u64> {
        ordered(&((*range.start()).max(self.table.base.last_id() + 1)..=*range.end()))
    }
}

/// A BTreeMap panics on a range whose start lies behind its end.
fn ordered(range: &RangeInclusive<u64>) -> RangeInclusive<u64> {
    if range.start() <= range.end() { range.clone() } else { u64::MAX..=u64::MAX }
}

enum Origin<'v> {
    None,
    Generated(Source),
    Imported(&'v Imported, usize),
}

/// One row; values are computed when they are asked for.
pub(crate) struct Row<'v> {
    table: &'v Table,
    changes: Option<&'v Changes>,
    origin: Origin<'v>,
}

impl Row<'_> {
    /// Name of a field.
    pub(crate) fn name(&self, field: usize) -> &str {
        &self.table.fields[field].name
    }

    /// What a field holds.
    pub(crate) fn kind(&self, field: usize) -> Kind {
        self.table.fields[field].kind
    }

    /// The value of a field.
    pub(crate) fn cell(&self, field: usize) -> Cell<'_> {
        if let Some(changed) = self.changes.and_then(|changes| changes.get(&field)) {
            return changed.clone();
        }
        match &self.origin {
            Origin::None => Cell::Null,
            Origin::Generated(source) => (self.table.fields[field].make)(source),
            Origin::Imported(rows, position) => {
                rows.cell(*position, field, self.table.fields[field].kind)
            }
        }
    }
}
