//! The schema's version: forward only, one script per step, run once however many processes start.

use redis::{Script, Value, aio::MultiplexedConnection, cmd};

use super::{
    Inner,
    failure::{failed, other_schema},
};
use crate::{Error, Kind, Result, store::hex};

/// Steps by position, never edited.
const MIGRATIONS: &[&str] = &[include_str!("lua/migrations/1.lua")];
const STEP: &str = include_str!("lua/migrations/step.lua");

/// The newest version that this program knows.
pub(super) const KNOWN: usize = MIGRATIONS.len();

impl Inner {
    /// The first connection brings the schema up to date; later ones must find the same store again.
    pub(super) async fn recognise(&self, connection: &mut MultiplexedConnection) -> Result<()> {
        if self.environment.get().is_none() {
            self.migrate(connection).await?;
        }
        let version = self.version(connection).await?;
        if version != KNOWN {
            return Err(other_schema(&match version {
                0 => "none".to_owned(),
                other => other.to_string(),
            }));
        }
        let environment: Option<Vec<u8>> = cmd("HGET")
            .arg(format!("{}meta", self.address.keys))
            .arg("environment")
            .query_async(connection)
            .await
            .map_err(failed)?;
        let environment = environment.unwrap_or_default();
        if environment.len() != 16 {
            return Err(Error::new(Kind::Store, "the store holds damaged data")
                .with("field", "environment"));
        }
        if *self.environment.get_or_init(|| environment.clone()) != environment {
            return Err(Error::new(Kind::Store, "another store answers at this address now")
                .advise("Nothing was written to it. Bring the former one back, or start again."));
        }
        Ok(())
    }

    async fn migrate(&self, connection: &mut MultiplexedConnection) -> Result<()> {
        let keys = &self.address.keys;
        // Environment and epoch: the scripts' own random numbers are no secret.
        let fresh: [u8; 32] = rand::random();
        for (before, migration) in MIGRATIONS.iter().enumerate() {
            if self.version(connection).await? != before {
                continue;
            }
            let script = Script::new(&[STEP, *migration, "\nreturn 1"].concat());
            let mut step = script.prepare_invoke();
            step.key(keys).arg(&fresh[..]).arg(before).arg(before + 1);
            let _: Value = step.invoke_async(connection).await.map_err(failed)?;
            self.check_replicas(self.wait(connection).await.map_err(failed)?)?;
        }
        Ok(())
    }

    async fn version(&self, connection: &mut MultiplexedConnection) -> Result<usize> {
        let found: Option<Vec<u8>> = cmd("GET")
            .arg(format!("{}schema", self.address.keys))
            .query_async(connection)
            .await
            .map_err(failed)?;
        let Some(found) = found else { return Ok(0) };
        String::from_utf8_lossy(&found).parse().map_err(|_| {
            Error::new(Kind::Store, "the store holds damaged data")
                .with("field", "schema")
                .with("found", hex(&found[..found.len().min(16)]))
        })
    }
}
