"""What Streamlit runs at every turn: the frame, and the page that is open."""

import streamlit as st

from sqlscore.errors import SqlscoreError
from sqlscore.reporting.page.plain_text import plain
from sqlscore.webapp.current import choose
from sqlscore.webapp.screens import advice, segments, simulate, trust, why
from sqlscore.webapp.served import SERVED

st.set_page_config("sqlscore", layout="wide", initial_sidebar_state="auto")
pages = st.navigation(
    [
        st.Page(segments.page, title="Segments", icon=":material/group:", default=True),
        st.Page(simulate.page, title="Simulate", icon=":material/play_circle:", url_path="simulate"),
        st.Page(why.page, title="Why", icon=":material/account_tree:", url_path="why"),
        st.Page(advice.page, title="Advice", url_path="advice", icon=":material/lightbulb:"),
        st.Page(trust.page, title="Trust", icon=":material/verified:", url_path="trust"),
    ]
)
st.sidebar.caption(plain(SERVED.database.path.name))
try:
    choose()
    pages.run()
except SqlscoreError as error:
    st.error(plain(error))
