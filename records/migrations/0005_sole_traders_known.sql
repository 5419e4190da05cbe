-- A sole trader has one number, whoever appoints it: it is known by the contact's address, by digest.
create table sole_traders (
    contact_sha256 text primary key,
    number bigint not null unique default nextval('sole_trader_numbers')
);
