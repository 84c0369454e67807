"""The paper broker's back office: its books in the database."""
