-- Runs once, when the database is made: one login a service, a member of the role that the migrations grant to.
-- The roles themselves belong to the migrations; here they exist before, so that the logins can be members.
\getenv enrollment_password SIGNET_ENROLLMENT_DB_PASSWORD
\getenv redirect_password SIGNET_REDIRECT_DB_PASSWORD
\getenv verification_password SIGNET_VERIFICATION_DB_PASSWORD
\getenv analytics_password SIGNET_ANALYTICS_DB_PASSWORD

CREATE ROLE signet_enrollment NOLOGIN;
CREATE ROLE signet_redirect NOLOGIN;
CREATE ROLE signet_verification NOLOGIN;
CREATE ROLE signet_analytics NOLOGIN;

CREATE ROLE signet_enrollment_login LOGIN NOINHERIT PASSWORD :'enrollment_password' IN ROLE signet_enrollment;
CREATE ROLE signet_redirect_login LOGIN NOINHERIT PASSWORD :'redirect_password' IN ROLE signet_redirect;
CREATE ROLE signet_verification_login LOGIN NOINHERIT PASSWORD :'verification_password' IN ROLE signet_verification;
CREATE ROLE signet_analytics_login LOGIN NOINHERIT PASSWORD :'analytics_password' IN ROLE signet_analytics;

-- Nobody else may connect, and nobody may create anything in public.
SELECT format('REVOKE CONNECT, TEMPORARY ON DATABASE %I FROM PUBLIC', current_database()) \gexec
SELECT format('GRANT CONNECT ON DATABASE %I TO signet_enrollment_login, signet_redirect_login, signet_verification_login, signet_analytics_login', current_database()) \gexec
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
