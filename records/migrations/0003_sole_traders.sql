-- Numbers of ours for agents that are sole traders: their own number is a personnummer, never kept.
create sequence sole_trader_numbers;
