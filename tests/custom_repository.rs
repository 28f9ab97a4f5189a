//! The directory of the example `custom_repository`, over tables that a product had before: it keeps the contract, and it is short.

use std::rc::Rc;

use practicemail::conformance::{self, DirectoryChange, DirectoryFact, DirectoryShape};
use practicemail::contract::{ClientKey, Role};
use sqlx::SqlitePool;

#[path = "../examples/custom_repository/books.rs"]
mod books;
#[path = "../examples/custom_repository/directory.rs"]
mod directory;

use books::Books;
use directory::PRACTICE;

#[tokio::test]
async fn a_directory_over_the_tables_of_a_product_keeps_the_contract() {
    let home = tempfile::tempdir().unwrap();
    let opened = std::cell::Cell::new(0);
    let shape = DirectoryShape::full().numbers().one_practice(PRACTICE).without([
        DirectoryFact::ClientDomains,
        DirectoryFact::Aliases,
        DirectoryFact::NeverLog,
        DirectoryFact::Folding,
    ]);
    let report = conformance::directory_of(shape, async || {
        opened.set(opened.get() + 1);
        let books = Books::open(&home.path().join(format!("{}.db", opened.get()))).await.unwrap();
        // A test's file need not outlive a loss of power.
        sqlx::raw_sql("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF")
            .execute(&books.pool)
            .await
            .unwrap();
        let tables = Rc::new(books.pool.clone());
        let change = async move |change| write(&tables, change).await;
        (books, change)
    })
    .await;
    report.assert_passed();
    assert!(report.to_string().contains("left out: several practices (D5), ClientDomains"), "{report}");
}

/// Writes as the product's own screens do.
async fn write(tables: &SqlitePool, change: DirectoryChange) {
    match change {
        DirectoryChange::PutPractice(company) => {
            run(tables, "DELETE FROM company", &[]).await;
            let domains = company.domains.join(" ");
            run(tables, "INSERT INTO company VALUES (?1, ?2)", &[&company.name, &domains]).await;
        }
        DirectoryChange::PutUser(_, user) => {
            let sql = "INSERT OR REPLACE INTO employees VALUES (?1, ?2, ?3, ?4 + 0, nullif(?5, ''))";
            let is_admin = if user.role == Role::Administrator { "1" } else { "0" };
            let left_on = if user.active { "" } else { "2024-05-31" };
            run(tables, sql, &[user.id.as_str(), &user.name, &user.address, is_admin, left_on]).await;
        }
        DirectoryChange::RemoveUser(_, user) => {
            run(tables, "DELETE FROM employees WHERE id = ?1", &[user.as_str()]).await;
        }
        DirectoryChange::PutClient(_, client, keys) => {
            run(tables, "INSERT OR REPLACE INTO customers VALUES (?1, 'A customer')", &[client.as_str()])
                .await;
            run(tables, "DELETE FROM customer_contacts WHERE customer_id = ?1 + 0", &[client.as_str()]).await;
            for key in keys {
                let ClientKey::Address(email) = key else { panic!("customers have no domains: {key:?}") };
                let sql = "INSERT INTO customer_contacts (customer_id, email) VALUES (?1, ?2)";
                run(tables, sql, &[client.as_str(), &email]).await;
            }
        }
        DirectoryChange::RemoveClient(_, client) => {
            run(tables, "DELETE FROM customers WHERE id = ?1", &[client.as_str()]).await;
        }
        // The product keeps everything or nothing: there are no holds.
        DirectoryChange::SetRetention(..) => {}
        other => panic!("a new kind of change: {other:?}"),
    }
}

async fn run(tables: &SqlitePool, sql: &'static str, values: &[&str]) {
    let query = values.iter().fold(sqlx::query(sql), |query, value| query.bind(*value));
    query.execute(tables).await.unwrap();
}

#[test]
fn it_is_less_than_eighty_lines() {
    let file = include_str!("../examples/custom_repository/directory.rs");
    let lines = file.lines().filter(|line| !line.trim().is_empty()).count();
    assert!(lines < 80, "{lines}");
    let guide = include_str!("../docs/implementing.md");
    assert!(
        guide.contains(&format!("`directory.rs` is {lines} lines")),
        "the guide says another number than {lines}"
    );
}
