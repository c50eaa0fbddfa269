//! How the barrier's statements are run: the same for every database. What differs is in their files: the statements
//! themselves, and what the result of an insert means.

/// Implements [`Rows`](super::Rows) and [`Clean`](super::Clean) for a connection, over `INSERT`, `INSERT_AFTER`, `READ`,
/// `KEEP`, `STANDS`, `PAGE`, `FORGET` and `written` of the file; `after` says what `PAGE` takes of the branch before it.
macro_rules! rows {
    ($Connection:ty, after: [$($after:ident),*]) => {
        impl Rows for $Connection {
            type Fault = sqlx::Error;

            async fn insert(&mut self, row: Row<'_>) -> Result<Written, sqlx::Error> {
                written(bound!(INSERT, row).execute(self).await)
            }

            async fn insert_after(
                &mut self,
                row: Row<'_>,
                operation: &'static str,
            ) -> Result<Written, sqlx::Error> {
                let insert = bound!(INSERT_AFTER, row).bind(&row.branch.transaction);
                written(insert.bind(&row.branch.branch).bind(operation).execute(self).await)
            }

            async fn read(&mut self, branch: &Branch) -> Result<Places, sqlx::Error> {
                let read = sqlx::query(READ).bind(&branch.transaction).bind(&branch.branch);
                let mut places = Places::default();
                for row in read.fetch_all(self).await? {
                    let kept = Kept {
                        operation: row.try_get(1)?,
                        told: Told::read(row.try_get(2)?),
                        content: row.try_get(3)?,
                        answer: row.try_get(4)?,
                    };
                    places.put(row.try_get::<i16, _>(0)?.into(), kept);
                }
                Ok(places)
            }

            async fn keep(
                &mut self,
                branch: &Branch,
                phase: Phase,
                answer: &[u8],
            ) -> Result<Standing, sqlx::Error> {
                let (transaction, phase) = (&branch.transaction, phase.number());
                let rows = if answer.is_empty() {
                    let look = sqlx::query(STANDS).bind(transaction).bind(&branch.branch).bind(phase);
                    look.fetch_all(self).await?.len() as u64
                } else {
                    let keep = sqlx::query(KEEP).bind(answer).bind(transaction).bind(&branch.branch);
                    keep.bind(phase).execute(self).await?.rows_affected()
                };
                Ok(Standing::of(rows))
            }
        }

        impl Clean for $Connection {
            async fn page(&mut self, after: &Branch, limit: u32) -> Result<Vec<Aged>, sqlx::Error> {
                let page = sqlx::query(PAGE)$(.bind(&after.$after))*.bind(i64::from(limit));
                let rows = page.fetch_all(self).await?;
                rows.iter()
                    .map(|row| {
                        let kept = Kept {
                            operation: row.try_get(3)?,
                            told: Told::read(row.try_get(4)?),
                            content: None,
                            answer: None,
                        };
                        let branch = Branch { transaction: row.try_get(0)?, branch: row.try_get(1)? };
                        let phase = row.try_get::<i16, _>(2)?.into();
                        Ok(Aged { branch, phase, kept, age_ms: row.try_get(5)? })
                    })
                    .collect()
            }

            async fn forget(&mut self, branch: &Branch) -> Result<(), sqlx::Error> {
                let forget = sqlx::query(FORGET).bind(&branch.transaction).bind(&branch.branch);
                forget.execute(self).await.map(drop)
            }
        }
    };
}

/// The six columns that every insert binds, in the order of the table.
macro_rules! bound {
    ($sql:expr, $row:expr) => {
        sqlx::query($sql)
            .bind(&$row.branch.transaction)
            .bind(&$row.branch.branch)
            .bind($row.phase.number())
            .bind($row.operation)
            .bind($row.told.name())
            .bind($row.content.to_string())
    };
}
