"""From the bytes that an HR system or Microsoft Graph sent to events about people. Pure; decides nothing."""
