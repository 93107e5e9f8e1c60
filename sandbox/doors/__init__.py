"""How do files, orders and looks get in and out of the sandbox? AS2, SFTP, directories, the control API."""
