"""The web app over one database file: simulate, filter, understand, export. Streamlit shows it, SQL answers it."""
