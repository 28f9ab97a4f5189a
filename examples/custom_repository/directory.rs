//! The product's users and customers, as the mail needs them: the whole of what the product implements.

use async_trait::async_trait;
use practicemail::contract::{
    ClientEntry, ClientKey, ClientKeyPage, Practice, PracticeDirectory, Role, User,
};
use practicemail::error::{Error, Result};
use practicemail::types::{ClientId, PracticeId, UserId};

use super::books::Books;

/// A company has a database of its own, so there is one practice in it.
pub(crate) const PRACTICE: &str = "books";

#[async_trait]
impl PracticeDirectory for Books {
    async fn practice(&self, practice: &PracticeId) -> Result<Option<Practice>> {
        let sql = "SELECT name, mail_domains FROM company WHERE ?1 = ?2";
        let select = sqlx::query_as(sql).bind(practice.as_str()).bind(PRACTICE);
        let row: Option<(String, String)> =
            select.fetch_optional(&self.pool).await.map_err(Error::storage)?;
        Ok(row.map(|(name, domains)| {
            let mut company = Practice::new(practice.clone(), name);
            company.domains = domains.split_whitespace().map(str::to_owned).collect();
            company
        }))
    }

    async fn users(&self, practice: &PracticeId) -> Result<Vec<User>> {
        let sql = "SELECT id, full_name, email, is_admin, left_on IS NULL FROM employees WHERE ?1 = ?2";
        let select = sqlx::query_as(sql).bind(practice.as_str()).bind(PRACTICE);
        let rows: Vec<_> = select.fetch_all(&self.pool).await.map_err(Error::storage)?;
        let user = |(id, name, email, is_admin, is_active): (i64, String, String, bool, bool)| {
            let mut user = User::new(UserId::from(id), name, email);
            user.role = if is_admin { Role::Administrator } else { Role::Staff };
            user.active = is_active;
            user
        };
        Ok(rows.into_iter().map(user).collect())
    }

    async fn client_keys(&self, practice: &PracticeId, _from: Option<String>) -> Result<ClientKeyPage> {
        let sql =
            "SELECT c.id, k.email FROM customers AS c JOIN customer_contacts AS k ON k.customer_id = c.id";
        let rows: Vec<(i64, String)> =
            sqlx::query_as(sql).fetch_all(&self.pool).await.map_err(Error::storage)?;
        let entry = |(id, email)| ClientEntry::new(ClientId::from(id), ClientKey::Address(email));
        let (company, users) = (self.practice(practice).await?, self.users(practice).await?);
        Ok(ClientKeyPage::whole(company.as_ref(), &users, rows.into_iter().map(entry).collect()))
    }

    async fn keys_of(&self, practice: &PracticeId, client: &ClientId) -> Result<Option<Vec<ClientKey>>> {
        let sql =
            "SELECT k.email FROM customers AS c LEFT JOIN customer_contacts AS k ON k.customer_id = c.id
                   WHERE c.id = ?1 AND ?2 = ?3";
        let select = sqlx::query_as(sql).bind(client.number()).bind(practice.as_str()).bind(PRACTICE);
        let rows: Vec<(Option<String>,)> = select.fetch_all(&self.pool).await.map_err(Error::storage)?;
        let is_there = !rows.is_empty();
        Ok(is_there.then(|| rows.into_iter().filter_map(|(email,)| email).map(ClientKey::Address).collect()))
    }

    async fn may_see(&self, practice: &PracticeId, user: &UserId, client: &ClientId) -> Result<bool> {
        let sql = "SELECT 1 FROM employees AS e JOIN customers AS c
                   WHERE e.id = ?1 AND e.left_on IS NULL AND c.id = ?2 AND ?3 = ?4";
        let select = sqlx::query_as(sql).bind(user.number()).bind(client.number());
        let select = select.bind(practice.as_str()).bind(PRACTICE);
        let row: Option<(i64,)> = select.fetch_optional(&self.pool).await.map_err(Error::storage)?;
        Ok(row.is_some())
    }
}
